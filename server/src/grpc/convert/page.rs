//! Pages: how many results one has, by number and by bytes.

use nearby_index::Limit;

use crate::{error::ServiceError, reason};

/// Largest page in bytes. Clients take 4 MiB by default; a page ends before, whatever its size in results (AIP-158).
pub(crate) const MOST_PAGE_BYTES: usize = 3_500_000;

/// A page size, of the field of that name: 0 is the default, too many are as many as there may be (AIP-158).
pub(crate) fn page_size(given: i32, field: &str, default: usize, most: usize) -> Result<Limit, ServiceError> {
    let wanted = usize::try_from(given)
        .map_err(|_| ServiceError::invalid(field, reason::OUT_OF_RANGE, "must be 0 (the default) or more"))?;
    let wanted = if wanted == 0 { default } else { wanted.min(most) };
    Limit::new(wanted).ok_or(ServiceError::Internal("a page size came to 0"))
}

/// Checks how many elements a batch has: at least one, and at most so many.
pub(crate) fn batch_size(count: usize, field: &str, most: usize) -> Result<(), ServiceError> {
    match count {
        0 => Err(ServiceError::invalid(field, reason::REQUIRED, "must have at least one element")),
        count if count > most => {
            let description = format!("must have at most {most} elements; send the rest in another batch");
            Err(ServiceError::invalid(field, reason::TOO_MANY, description))
        }
        _ => Ok(()),
    }
}
