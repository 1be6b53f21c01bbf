//! Names and etags.

use nearby_index::{MerchantId, Revision};

/// Prefix of a merchant's resource name.
pub(crate) const NAME_PREFIX: &str = "merchants/";

/// `merchants/{id}`.
pub(crate) fn name_of(id: &MerchantId) -> String {
    format!("{NAME_PREFIX}{id}")
}

/// The etag of a version.
pub(crate) fn etag_of(revision: Revision) -> String {
    format!("{:x}", revision.0)
}

/// The version that an etag names; `None` if no version can have it.
pub(crate) fn revision_of(etag: &str) -> Option<Revision> {
    let revision = u64::from_str_radix(etag, 16).map(Revision).ok()?;
    (etag_of(revision) == etag).then_some(revision)
}
