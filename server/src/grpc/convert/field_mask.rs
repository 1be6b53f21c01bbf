//! Update masks (AIP-134, AIP-161), over the top-level fields of a merchant and some fields within them.

use nearby_proto::{v1 as wire, well_known::FieldMask};

use super::page::{MAX_MASKS_PER_MESSAGE, too_many_in_message};
use crate::{
    error::ServiceError,
    reason,
    record::{FieldSet, NESTED_FIELDS, UPDATABLE_FIELDS},
};

/// Output-only fields: a mask may name them, and they are ignored (AIP-203).
const OUTPUT_ONLY_FIELDS: [&str; 5] = ["name", "etag", "wgs84_position", "create_time", "update_time"];

/// The fields that an update replaces.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum UpdateMask {
    /// All fields: `*`.
    All,
    /// Some fields.
    Fields(FieldSet),
}

/// Parses a mask. Without one, the fields that are set in `given` are replaced.
pub(super) fn update_mask_from_wire(
    mask: Option<&FieldMask>,
    given: &wire::Merchant,
) -> Result<UpdateMask, ServiceError> {
    match names(mask).as_slice() {
        ["*"] => Ok(UpdateMask::All),
        [] => Ok(UpdateMask::Fields(FieldSet::of_set_fields(given))),
        names => Ok(UpdateMask::Fields(fields(names, "update_mask")?)),
    }
}

/// The masks of a message of an import, each the fields that its rows replace; `None` for whole merchants.
#[derive(Debug)]
pub(crate) struct ImportMasks(Vec<Option<FieldSet>>);

impl ImportMasks {
    /// Parses masks. Without any, rows replace merchants as a whole.
    pub(crate) fn from_wire(masks: &[FieldMask]) -> Result<Self, ServiceError> {
        if masks.is_empty() {
            return Ok(Self(vec![None]));
        }
        if masks.len() > MAX_MASKS_PER_MESSAGE {
            return Err(too_many_in_message("update_masks", MAX_MASKS_PER_MESSAGE));
        }
        let parse = |(at, mask): (usize, &FieldMask)| match names(Some(mask)).as_slice() {
            [] | ["*"] => Ok(None),
            names => fields(names, &format!("update_masks[{at}]")).map(Some),
        };
        masks.iter().enumerate().map(parse).collect::<Result<_, _>>().map(Self)
    }

    /// Returns the mask of the row at a position of the message.
    pub(crate) fn get(&self, index: i32, row: usize) -> Result<Option<FieldSet>, ServiceError> {
        let mask = usize::try_from(index).ok().and_then(|index| self.0.get(index));
        mask.copied().ok_or_else(|| {
            ServiceError::invalid(
                format!("rows[{row}].update_mask_index"),
                reason::OUT_OF_RANGE,
                format!(
                    "is {index}, which is not the position of a mask in update_masks: use 0 to {}",
                    self.0.len() - 1
                ),
            )
        })
    }
}

fn names(mask: Option<&FieldMask>) -> Vec<&str> {
    mask.map(|mask| mask.paths.iter().map(String::as_str).collect()).unwrap_or_default()
}

/// Parses the names of a mask, whose field is `path`.
fn fields(names: &[&str], path: &str) -> Result<FieldSet, ServiceError> {
    let is_known = |name: &str| {
        [UPDATABLE_FIELDS, NESTED_FIELDS, &OUTPUT_ONLY_FIELDS].iter().any(|fields| fields.contains(&name))
    };
    if let Some(unknown) = names.iter().find(|name| !is_known(name)) {
        let start: String = unknown.chars().take(64).flat_map(char::escape_debug).collect();
        return Err(ServiceError::invalid(
            path,
            reason::UNKNOWN_FIELD,
            format!(
                "names {start}, which is not an updatable field; use {}, or * alone for all",
                [UPDATABLE_FIELDS, NESTED_FIELDS].concat().join(", ")
            ),
        ));
    }
    Ok(FieldSet::of_names(names.iter().copied()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(paths: &[&str]) -> Result<UpdateMask, ServiceError> {
        let mask = FieldMask { paths: paths.iter().map(|path| (*path).to_owned()).collect() };
        let given = wire::Merchant { phone: "1".to_owned(), ..Default::default() };
        update_mask_from_wire(Some(&mask), &given)
    }

    #[test]
    fn a_mask_selects_the_fields_that_it_names() {
        let phone = || Ok(UpdateMask::Fields(FieldSet::of_names(["phone"])));
        assert_eq!(parsed(&["phone"]), phone());
        assert_eq!(parsed(&["phone", "etag", "update_time"]), phone(), "output-only fields are ignored");
        assert_eq!(parsed(&[]), phone(), "the fields that are set");
        assert_eq!(parsed(&["*"]), Ok(UpdateMask::All));
        for path in ["position.latitude", "nonsense", "*"] {
            assert!(matches!(parsed(&["phone", path]), Err(ServiceError::Invalid(_))), "{path}");
        }
    }
}
