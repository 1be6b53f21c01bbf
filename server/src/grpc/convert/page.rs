//! Page and batch sizes.

use nearby_index::Limit;

use crate::{error::ServiceError, reason};

/// Size limit of a page. Clients accept 4 MiB by default; a page ends before that, whatever its page size (AIP-158).
pub(crate) const MAX_PAGE_BYTES: usize = 3_500_000;
/// Searches of one batch.
pub(crate) const MAX_SEARCHES: usize = 1_000;
/// Names of one batch.
pub(crate) const MAX_NAMES: usize = 1_000;
/// Changes of one batch.
pub(crate) const MAX_CHANGES: usize = 1_000;
/// Rows of one message of an import.
pub(crate) const MAX_ROWS_PER_MESSAGE: usize = 1_000;
/// Update masks of one message of an import: one for each row.
pub(crate) const MAX_MASKS_PER_MESSAGE: usize = MAX_ROWS_PER_MESSAGE;

/// Parses a page size: 0 is the default, and larger values than `max` become `max` (AIP-158).
pub(crate) fn page_size(given: i32, field: &str, default: usize, max: usize) -> Result<Limit, ServiceError> {
    let size = usize::try_from(given)
        .map_err(|_| ServiceError::invalid(field, reason::OUT_OF_RANGE, "must be 0 (the default) or more"))?;
    let size = if size == 0 { default } else { size.min(max) };
    Limit::new(size).ok_or(ServiceError::Internal("a page size is 0"))
}

/// Checks the number of elements of a batch: from 1 to `max`.
pub(crate) fn batch_size(count: usize, field: &str, max: usize) -> Result<(), ServiceError> {
    match count {
        0 => Err(ServiceError::invalid(field, reason::REQUIRED, "must have at least one element")),
        count if count > max => Err(too_many_elements(field, max)),
        _ => Ok(()),
    }
}

/// The error of a batch with more elements than `max`.
pub(crate) fn too_many_elements(field: &str, max: usize) -> ServiceError {
    let description = format!("must have at most {max} elements; send the rest in another batch");
    ServiceError::invalid(field, reason::TOO_MANY, description)
}

/// The error of a message of an import with more rows or masks than the maximum.
pub(crate) fn too_many_in_message(field: &str, max: usize) -> ServiceError {
    let description = format!("must be at most {max} in one message; send the rest in another message");
    ServiceError::invalid(field, reason::TOO_MANY, description)
}
