//! The fields of a merchant that an update can replace, on their own or within others.

use nearby_proto::v1 as wire;

/// Names of fields that a patch replaces, as bits in the order of [`UPDATABLE_FIELDS`] and [`NESTED_FIELDS`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FieldSet(u64);

impl FieldSet {
    /// The field `visibility`.
    pub(crate) fn visibility() -> Self {
        Self::of_names(["visibility"])
    }

    /// All top-level fields, whose bits come first.
    pub(crate) const fn all() -> Self {
        Self((1 << UPDATABLE_FIELDS.len()) - 1)
    }

    /// The fields of a mask that names updatable fields only; others are ignored.
    pub(crate) fn of_names<'n>(names: impl IntoIterator<Item = &'n str>) -> Self {
        Self(names.into_iter().fold(0, |bits, name| bits | Self::bit(name)))
    }

    pub(crate) fn contains(self, field: &str) -> bool {
        self.0 & Self::bit(field) != 0
    }

    /// The fields without one.
    pub(crate) fn without(self, field: &str) -> Self {
        Self(self.0 & !Self::bit(field))
    }

    fn bit(field: &str) -> u64 {
        let mut all = UPDATABLE_FIELDS.iter().chain(NESTED_FIELDS);
        all.position(|other| *other == field).map_or(0, |at| 1 << at)
    }
}

/// Declares the fields that a patch can replace.
macro_rules! updatable_fields {
    ($($field:ident)*) => {
        /// The fields that an update mask may name.
        pub(crate) const UPDATABLE_FIELDS: &[&str] = &[$(stringify!($field)),*];

        impl FieldSet {
            /// The fields of `given` that are set.
            pub(crate) fn of_set_fields(given: &wire::Merchant) -> Self {
                let unset = wire::Merchant::default();
                let fields = [$((stringify!($field), given.$field != unset.$field)),*];
                Self::of_names(fields.into_iter().filter_map(|(field, is_set)| is_set.then_some(field)))
            }

            /// Copies the fields of this set.
            pub(crate) fn copy(self, given: wire::Merchant, to: &mut wire::Merchant) {
                self.copy_nested_fields(&given, to);
                $(
                    if self.contains(stringify!($field)) {
                        to.$field = given.$field;
                    }
                )*
            }
        }
    };
}

updatable_fields! {
    display_name brand categories services position address phone opening_hours photos mini_program visibility
    external_ids labels website_uri source attributes localized_names service_links
    business_status reopening_date valid_from valid_until service_area
}

/// Declares the fields within others that a patch can replace on their own: those of an address, beside the time zone of hours.
macro_rules! nested_fields {
    ($($field:ident $path:literal)*) => {
        /// The fields within others that an update mask may name.
        pub(crate) const NESTED_FIELDS: &[&str] = &["opening_hours.time_zone", "service_area.radius_m", $($path),*];

        impl FieldSet {
            /// Copies the fields of this set that are within others. An address without any field is none, hours keep a time
            /// zone, and an area without a radius keeps its polygons.
            fn copy_nested_fields(self, given: &wire::Merchant, to: &mut wire::Merchant) {
                if self.0 & !Self::all().0 == 0 {
                    return;
                }
                let zone = given.opening_hours.as_ref().map(|hours| &hours.time_zone).filter(|zone| !zone.is_empty());
                if let Some(zone) = zone.filter(|_| self.contains("opening_hours.time_zone")) {
                    to.opening_hours.get_or_insert_default().time_zone.clone_from(zone);
                }
                if self.contains("service_area.radius_m") {
                    copy_service_radius(given, to);
                }
                let mut address = to.address.take().unwrap_or_default();
                $(
                    if self.contains($path) {
                        let given = given.address.as_ref();
                        address.$field = given.map(|given| given.$field.clone()).unwrap_or_default();
                    }
                )*
                to.address = Some(address).filter(|address| *address != wire::PostalAddress::default());
            }
        }
    };
}

/// Copies the radius of a service area. Polygons give way to a radius, and stay without one: a CSV file has a column for the
/// radius only.
fn copy_service_radius(given: &wire::Merchant, to: &mut wire::Merchant) {
    let has_radius =
        |area: &wire::ServiceArea| matches!(area.shape, Some(wire::service_area::Shape::RadiusM(_)));
    if given.service_area.is_some() || to.service_area.as_ref().is_some_and(has_radius) {
        to.service_area = given.service_area.clone().filter(has_radius);
    }
}

nested_fields! {
    region_code "address.region_code"
    postal_code "address.postal_code"
    administrative_area "address.administrative_area"
    locality "address.locality"
    sublocality "address.sublocality"
    address_lines "address.address_lines"
}
