//! Updates by field mask (AIP-134, AIP-161), on the top-level fields of a merchant.

use nearby_proto::{v1 as wire, well_known::FieldMask};

use crate::{error::ServiceError, reason};

/// Puts the fields that a mask names from `given` into `current`.
pub(crate) fn merge(
    current: wire::Merchant,
    given: wire::Merchant,
    mask: Option<&FieldMask>,
) -> Result<wire::Merchant, ServiceError> {
    let named: Vec<&str> =
        mask.map(|mask| mask.paths.iter().map(String::as_str).collect()).unwrap_or_default();
    match named.as_slice() {
        ["*"] => Ok(given),
        [] => Ok(merge_where(current, given, |_, is_set| is_set)),
        _ => {
            let is_known = |path: &str| FIELDS.contains(&path) || DECIDED_BY_THE_SERVER.contains(&path);
            if let Some(unknown) = named.iter().find(|path| !is_known(path)) {
                let start: String = unknown.chars().take(64).flat_map(char::escape_debug).collect();
                return Err(ServiceError::invalid(
                    "update_mask",
                    reason::UNKNOWN_FIELD,
                    format!(
                        "names {start}, which cannot be updated by itself; the fields are {}, or * alone for all",
                        FIELDS.join(", ")
                    ),
                ));
            }
            Ok(merge_where(current, given, |field, _| named.contains(&field)))
        }
    }
}

/// Fields that a mask may name and that are ignored there, as output-only fields are (AIP-203).
const DECIDED_BY_THE_SERVER: [&str; 5] = ["name", "etag", "wgs84_position", "create_time", "update_time"];

/// Defines the fields that can be updated, once, as a list and as the merge.
macro_rules! updatable {
    ($($field:ident)*) => {
        const FIELDS: &[&str] = &[$(stringify!($field)),*];

        /// Takes each field from `given` where `take` says so of its name and of whether it is set.
        fn merge_where(
            mut current: wire::Merchant,
            given: wire::Merchant,
            take: impl Fn(&str, bool) -> bool,
        ) -> wire::Merchant {
            let unset = wire::Merchant::default();
            $(
                if take(stringify!($field), given.$field != unset.$field) {
                    current.$field = given.$field;
                }
            )*
            current
        }
    };
}

updatable! {
    display_name brand categories services position address phone opening_hours photos mini_program visibility
    external_ids labels website_uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merchant(display_name: &str, phone: &str) -> wire::Merchant {
        wire::Merchant {
            display_name: display_name.to_owned(),
            phone: phone.to_owned(),
            ..Default::default()
        }
    }

    fn merged(given: wire::Merchant, paths: &[&str]) -> Result<wire::Merchant, ServiceError> {
        let mask = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        merge(merchant("old", "1"), given, Some(&mask))
    }

    #[test]
    fn a_mask_takes_what_it_names() {
        assert_eq!(merged(merchant("new", "2"), &["phone"]), Ok(merchant("old", "2")));
        assert_eq!(
            merged(merchant("new", ""), &["phone"]),
            Ok(merchant("old", "")),
            "named and unset clears"
        );
        assert_eq!(merged(merchant("new", ""), &["*"]), Ok(merchant("new", "")));
        assert_eq!(merge(merchant("old", "1"), merchant("new", ""), None), Ok(merchant("new", "1")));
        assert_eq!(merged(merchant("new", "2"), &["phone", "etag", "update_time"]), Ok(merchant("old", "2")));
        for path in ["address.locality", "nonsense", "*"] {
            assert!(
                matches!(merged(merchant("new", ""), &["phone", path]), Err(ServiceError::Invalid(_))),
                "{path}"
            );
        }
    }

    /// A field added to the contract must be added here, or be output-only.
    #[test]
    fn every_field_of_the_contract_is_updatable_or_decided_by_the_server() {
        let source = include_str!("../../../../proto/nearby/v1/merchant.proto");
        let message = source.split("\nmessage Merchant {").nth(1).unwrap().split("\n}").next().unwrap();
        let fields = message.lines().filter(|line| !line.trim_start().starts_with("//")).filter_map(|line| {
            line.split_once(" = ").and_then(|(declaration, _)| declaration.split_whitespace().last())
        });
        let is_missing = |field: &&str| !FIELDS.contains(field) && !DECIDED_BY_THE_SERVER.contains(field);
        let missing: Vec<_> = fields.filter(is_missing).collect();
        assert_eq!(missing, Vec::<&str>::new());
    }
}
