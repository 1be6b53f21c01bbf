//! Partial updates.

use nearby_index::{AnyPosition, Merchant, MerchantId, Revision, StoredMerchant, Visibility};
use nearby_proto::v1 as wire;

use super::{
    cross_field_checks,
    encoding::{UNREADABLE, decode_pieces, encode, with_review},
    field_set::FieldSet,
};
use crate::error::ServiceError;

/// A partial update of a merchant whose fields have been checked.
#[derive(Clone, Debug)]
pub struct MerchantPatch {
    /// The merchant.
    pub id: MerchantId,
    /// The version that it must have, if any.
    pub version: Option<Revision>,
    /// The update.
    pub update: Update,
    /// The result of checking the given merchant as a whole, which is stored if there is no such merchant; `None` if the
    /// merchant must exist.
    pub if_missing: Option<Result<Merchant, ServiceError>>,
}

/// The update of a patch.
#[derive(Clone, Debug)]
pub enum Update {
    /// Replaces the merchant.
    Replace(Merchant),
    /// Replaces some of its fields.
    Fields(Box<FieldUpdate>),
    /// Replaces its review; `None` approves it.
    Review(Option<wire::Review>),
    /// Replaces some of its fields with those of a merchant that has been checked as a whole, and creates that merchant if
    /// there is none.
    Overlay {
        /// The merchant.
        merchant: Merchant,
        /// The names of the fields.
        fields: FieldSet,
    },
}

/// The fields that a patch replaces, and their values.
#[derive(Clone, Debug)]
pub struct FieldUpdate {
    /// The names of the fields.
    pub fields: FieldSet,
    /// Their values; all other fields have no meaning.
    pub given: wire::Merchant,
    /// The position, if it is one of the fields.
    pub position: Option<AnyPosition>,
}

impl MerchantPatch {
    /// The merchant that the patch makes of the current one.
    ///
    /// # Errors
    /// [`ServiceError::NotFound`], [`ServiceError::Conflict`], and a violation when the result is too large.
    pub(crate) fn apply(self, current: Option<&StoredMerchant>) -> Result<Merchant, ServiceError> {
        let Some(current) = current else {
            return match self.update {
                Update::Overlay { merchant, .. } => Ok(merchant),
                _ => self.if_missing.unwrap_or(Err(ServiceError::NotFound(self.id))),
            };
        };
        if self.version.is_some_and(|version| version != current.revision) {
            return Err(ServiceError::Conflict(self.id));
        }
        let (is_row, FieldUpdate { fields, given, position }) = match self.update {
            Update::Replace(merchant) => return Ok(merchant),
            Update::Review(review) => {
                return with_review(current.merchant.clone(), review);
            }
            Update::Fields(update) => (false, *update),
            // All that a row without visibility keeps is known.
            Update::Overlay { merchant, fields }
                if fields == FieldSet::all().without("visibility")
                    && current.merchant.visibility == Visibility::Visible =>
            {
                return Ok(merchant);
            }
            Update::Overlay { merchant, fields } => {
                let given = decode_pieces(merchant.profile.given()).map_err(|_| UNREADABLE)?;
                let position = fields.contains("position").then_some(merchant.position);
                (true, FieldUpdate { fields, given, position })
            }
        };
        let mut merged = decode_pieces(current.merchant.profile.given()).map_err(|_| UNREADABLE)?;
        // A source has the merchant again.
        if is_row && fields.contains("source") && merged.visibility() == wire::Visibility::Missing {
            merged.set_visibility(wire::Visibility::Visible);
        }
        fields.copy(given, &mut merged);
        let position = position.unwrap_or(current.merchant.position);
        let path = if is_row { "" } else { "merchant" };
        cross_field_checks::check(path, &merged)?;
        encode(merged, self.id, position, None).map_err(|error| error.below(path))
    }

    /// About the number of bytes that the patch adds to a commit.
    pub(crate) fn bytes(&self) -> usize {
        match &self.update {
            Update::Replace(merchant) | Update::Overlay { merchant, .. } => merchant.profile.full_len(),
            // Most merchants are smaller.
            Update::Fields(_) | Update::Review(_) => 1_024,
        }
    }
}
