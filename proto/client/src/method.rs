//! The methods of the contract.

/// Generates the enum and its paths from one list, so that they cannot diverge.
macro_rules! methods {
    ($($service:literal: $($name:ident)+;)+) => {
        /// A method of the contract.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Method {
            $($($name,)+)+
        }

        impl Method {
            /// All methods, indexed by discriminant.
            pub(crate) const ALL: &[Self] = &[$($(Self::$name,)+)+];

            /// Request path of the method.
            pub(crate) const fn path(self) -> &'static str {
                match self {
                    $($(Self::$name => concat!("/", $service, "/", stringify!($name)),)+)+
                }
            }
        }
    };
}

methods! {
    "nearby.v1.NearbyService":
        SearchNearby BatchSearchNearby StreamSearchNearby WatchNearby WatchNearbyFrom GetDensity;
    "nearby.v1.MerchantService":
        GetMerchant BatchGetMerchants ListMerchants
        CreateMerchant UpdateMerchant DeleteMerchant ShowMerchant HideMerchant ApproveMerchant RejectMerchant
        BatchCreateMerchants BatchUpdateMerchants BatchDeleteMerchants
        ImportMerchants ExportMerchants WatchMerchants BackUpMerchants;
    "nearby.v1.ClusterService":
        GetClusterStatus HealCluster UpgradeClusterFormat HashContents;
}
