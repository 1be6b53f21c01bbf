//! The stored encoding of a merchant: the bytes of a `nearby.v1.Merchant`.
//!
//! The index keeps a merchant as the bytes that clients receive, the fields of the BASIC view first, so that a response is
//! assembled by copying. The store keeps what the client gave; what the commit decides (name, etag, WGS-84 position and the
//! two times) is put around it when a version is made, and again when it is read from the store.
//!
//! | module | contents |
//! |---|---|
//! | `encoding` | encodes merchants, makes versions of them, decodes them |
//! | `identity` | names and etags |
//! | `index_fields` | terms, opening hours and other details, which the index keeps beside the encoding |
//! | `area` | service areas and polygons |
//! | `listing` | visibility, business status, validity and review |
//! | `limited_edit` | rules for changes by API keys that are limited to merchants |
//! | `patch`, `field_set` | partial updates, and the fields that they can replace |
//! | `cross_field_checks` | rules about several fields, which an update of one of them can break |
//! | `partial_decode`, `names` | single fields of an encoded merchant: labels, the review, names |

pub(crate) mod area;
pub(crate) mod cross_field_checks;
mod encoding;
mod field_set;
#[cfg(test)]
pub(crate) mod fixtures;
mod identity;
mod index_fields;
mod limited_edit;
pub(crate) mod listing;
mod names;
mod partial_decode;
mod patch;
#[cfg(test)]
mod tests;

pub use self::{
    encoding::VersionMeta,
    field_set::FieldSet,
    patch::{FieldUpdate, MerchantPatch, Update},
};
pub(crate) use self::{
    encoding::{decode, decode_pieces, derive_fields, encode, is_same, keep_review, make_version, source_of},
    field_set::{NESTED_FIELDS, UPDATABLE_FIELDS},
    identity::{NAME_PREFIX, name_of, revision_of},
    index_fields::{hours_of, position_of},
    limited_edit::{LimitedEdit, MAX_LABELS, is_in_scope},
    listing::is_review_pending,
    names::names_of,
    partial_decode::{label_condition, labels_of, localized_name},
};
