//! The methods of the contract, and what the layers need to know of one before they read its request.

use crate::{
    auth::role::Role,
    overload::{class::Class, resource::Resource},
};

/// A method of the contract.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Method {
    /// The `:path` of its requests.
    pub(crate) path: &'static str,
    /// Its class under overload.
    pub(crate) class: Class,
    /// True if it takes one message and returns one.
    pub(crate) is_unary: bool,
    /// The roles of which its callers need one.
    pub(crate) roles: &'static [Role],
    /// Size limit of one request message.
    pub(crate) max_message_bytes: usize,
    /// True if the audit log records its calls.
    pub(crate) audited: bool,
    /// True if keys that are limited to merchants may call it.
    pub(crate) is_open_to_limited_keys: bool,
}

/// Size limit of messages that hold merchants, or many searches.
pub(crate) const MAX_MESSAGE_BYTES: usize = 4 * 1024 * 1024;
/// Size limit of messages that hold one query.
const MAX_QUERY_BYTES: usize = 128 * 1024;
/// Size limit of requests outside the contract: health checks and reflection.
const MAX_OTHER_BYTES: usize = 4 * 1024;

/// All methods, the most frequent ones first. Exports and backups are audited although they change nothing, since they take
/// all merchants out of the server.
#[rustfmt::skip]
pub(crate) const METHODS: [Method; 27] = {
    use Class::{Bulk, Search, Write};
    const READ: &[Role] = &[Role::Search];
    const MANAGE: &[Role] = &[Role::Manage];
    const LIST: &[Role] = &[Role::Manage, Role::Review];
    const REVIEW: &[Role] = &[Role::Review];
    const OPERATE: &[Role] = &[Role::Operate];
    const LARGE: usize = MAX_MESSAGE_BYTES;
    const SMALL: usize = MAX_QUERY_BYTES;
    const fn unary(path: &'static str, class: Class, roles: &'static [Role], max_message_bytes: usize, audited: bool, is_open_to_limited_keys: bool) -> Method {
        Method { path, class, is_unary: true, roles, max_message_bytes, audited, is_open_to_limited_keys }
    }
    const fn stream(path: &'static str, class: Class, roles: &'static [Role], max_message_bytes: usize, audited: bool, is_open_to_limited_keys: bool) -> Method {
        Method { path, class, is_unary: false, roles, max_message_bytes, audited, is_open_to_limited_keys }
    }
    [
        //      path                                                class   roles    message audited limited
        unary ("/nearby.v1.NearbyService/SearchNearby",             Search, READ,    SMALL, false,  true),
        unary ("/nearby.v1.NearbyService/BatchSearchNearby",        Bulk,   READ,    LARGE, false,  true),
        stream("/nearby.v1.NearbyService/StreamSearchNearby",       Bulk,   READ,    SMALL, false,  true),
        stream("/nearby.v1.NearbyService/WatchNearby",              Search, READ,    SMALL, false,  true),
        stream("/nearby.v1.NearbyService/WatchNearbyFrom",          Search, READ,    SMALL, false,  true),
        unary ("/nearby.v1.NearbyService/GetDensity",               Bulk,   READ,    SMALL, false,  true),
        unary ("/nearby.v1.MerchantService/GetMerchant",            Search, READ,    SMALL, false,  true),
        unary ("/nearby.v1.MerchantService/UpdateMerchant",         Write,  MANAGE,  LARGE, true,   true),
        unary ("/nearby.v1.MerchantService/CreateMerchant",         Write,  MANAGE,  LARGE, true,   true),
        unary ("/nearby.v1.MerchantService/DeleteMerchant",         Write,  MANAGE,  SMALL, true,   false),
        unary ("/nearby.v1.MerchantService/ShowMerchant",           Write,  MANAGE,  SMALL, true,   true),
        unary ("/nearby.v1.MerchantService/HideMerchant",           Write,  MANAGE,  SMALL, true,   true),
        unary ("/nearby.v1.MerchantService/ApproveMerchant",        Write,  REVIEW,  SMALL, true,   false),
        unary ("/nearby.v1.MerchantService/RejectMerchant",         Write,  REVIEW,  SMALL, true,   false),
        unary ("/nearby.v1.MerchantService/BatchCreateMerchants",   Write,  MANAGE,  LARGE, true,   true),
        unary ("/nearby.v1.MerchantService/BatchUpdateMerchants",   Write,  MANAGE,  LARGE, true,   true),
        unary ("/nearby.v1.MerchantService/BatchDeleteMerchants",   Write,  MANAGE,  LARGE, true,   false),
        unary ("/nearby.v1.MerchantService/BatchGetMerchants",      Bulk,   READ,    LARGE, false,  true),
        unary ("/nearby.v1.MerchantService/ListMerchants",          Bulk,   LIST,    SMALL, false,  true),
        stream("/nearby.v1.MerchantService/ImportMerchants",        Bulk,   MANAGE,  LARGE, true,   true),
        stream("/nearby.v1.MerchantService/ExportMerchants",        Bulk,   MANAGE,  SMALL, true,   false),
        stream("/nearby.v1.MerchantService/WatchMerchants",         Search, MANAGE,  SMALL, false,  false),
        stream("/nearby.v1.MerchantService/BackUpMerchants",        Bulk,   OPERATE, SMALL, true,   false),
        unary ("/nearby.v1.ClusterService/GetClusterStatus",        Search, OPERATE, SMALL, false,  false),
        unary ("/nearby.v1.ClusterService/HealCluster",             Write,  OPERATE, SMALL, true,   false),
        unary ("/nearby.v1.ClusterService/UpgradeClusterFormat",    Write,  OPERATE, SMALL, true,   false),
        unary ("/nearby.v1.ClusterService/HashContents",            Bulk,   OPERATE, SMALL, true,   false),
    ]
};

/// The target of a request's path: looked up once per call, and kept in the extensions of the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route {
    /// A method of the contract, by its position in [`METHODS`].
    Method(usize),
    /// The stream of `grpc.health.v1`, which has no end.
    HealthWatch,
    /// Anything else: a health check, reflection, or a method that does not exist.
    Other,
}

impl Route {
    pub(crate) fn of_path(path: &str) -> Self {
        match METHODS.iter().position(|method| method.path == path) {
            Some(at) => Self::Method(at),
            None if path == "/grpc.health.v1.Health/Watch" => Self::HealthWatch,
            None => Self::Other,
        }
    }

    /// The route of a request.
    pub(crate) fn of<B>(request: &http::Request<B>) -> Self {
        request.extensions().get().copied().unwrap_or(Self::Other)
    }

    /// The method, if it is one of the contract.
    pub(crate) fn method(self) -> Option<&'static Method> {
        match self {
            Self::Method(at) => METHODS.get(at),
            Self::HealthWatch | Self::Other => None,
        }
    }

    /// Returns whether the call ends after one response.
    pub(crate) fn is_unary(self) -> bool {
        match self {
            Self::Method(_) => self.method().is_some_and(|method| method.is_unary),
            Self::HealthWatch => false,
            Self::Other => true,
        }
    }

    /// Size limit of one request message.
    pub(crate) fn max_message_bytes(self) -> usize {
        self.method().map_or(MAX_OTHER_BYTES, |method| method.max_message_bytes)
    }
}

impl Method {
    /// Its service, with the package.
    pub(crate) fn service(&self) -> &'static str {
        self.path.trim_start_matches('/').split('/').next().unwrap_or_default()
    }

    /// The resource of which each of its calls takes a unit. Watches take theirs until they end, and not until the client has read it.
    pub(crate) const fn resource(&self) -> Option<Resource> {
        match (self.class, self.is_unary) {
            (Class::Bulk, true) => Some(Resource::BulkCalls),
            (Class::Bulk, false) => Some(Resource::Streams),
            (Class::Search | Class::Write, _) => None,
        }
    }

    /// Its name without package and service.
    pub(crate) fn name(&self) -> &'static str {
        self.path.rsplit('/').next().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use prost::Message;

    use super::*;

    #[test]
    fn the_table_has_exactly_the_methods_of_the_contract() {
        let all = prost_types::FileDescriptorSet::decode(nearby_proto::DESCRIPTORS).unwrap();
        let mut expected = BTreeMap::new();
        for file in all.file.iter().filter(|file| file.package() == "nearby.v1") {
            for service in &file.service {
                for method in &service.method {
                    let path = format!("/nearby.v1.{}/{}", service.name(), method.name());
                    let is_unary = !method.client_streaming() && !method.server_streaming();
                    expected.insert(path, is_unary);
                }
            }
        }
        let table: BTreeMap<String, bool> =
            METHODS.iter().map(|method| (method.path.to_owned(), method.is_unary)).collect();
        assert_eq!(table, expected);
    }

    #[test]
    fn bulk_calls_and_streams_that_are_no_watches_take_a_unit_of_their_resource() {
        let of = |resource| {
            let taking = METHODS.iter().filter(move |method| method.resource() == Some(resource));
            taking.map(Method::name).collect::<Vec<_>>()
        };
        let unary = ["BatchSearchNearby", "GetDensity", "BatchGetMerchants", "ListMerchants", "HashContents"];
        assert_eq!(of(Resource::BulkCalls), unary);
        let streams = ["StreamSearchNearby", "ImportMerchants", "ExportMerchants", "BackUpMerchants"];
        assert_eq!(of(Resource::Streams), streams);
    }

    #[test]
    fn all_changes_are_audited() {
        for method in METHODS.iter().filter(|method| method.class == Class::Write) {
            assert!(method.audited, "{}", method.name());
        }
    }
}
