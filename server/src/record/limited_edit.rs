//! Rules for changes by API keys that are limited to merchants.

use nearby_index::{Merchant, StoredMerchant};
use nearby_proto::v1 as wire;

use super::{
    encoding::{UNREADABLE, decode_pieces, encode_reviewed},
    partial_decode::labels_of,
};
use crate::{error::ServiceError, merchant_scope::MerchantScope, reason};

/// Maximum number of labels of a merchant.
pub(crate) const MAX_LABELS: usize = 64;

/// Returns whether a merchant is one that a key is limited to.
pub(crate) fn is_in_scope(stored: &StoredMerchant, scope: &MerchantScope) -> bool {
    match scope {
        MerchantScope::Ids(ids) => ids.contains(&stored.merchant.id),
        MerchantScope::Label { label, value } => {
            labels_of(&stored.merchant.profile).get(label).is_some_and(|found| found == value)
        }
    }
}

/// A change by a key that is limited to merchants.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LimitedEdit<'a> {
    /// The merchants that the key is limited to.
    pub(crate) scope: &'a MerchantScope,
    /// The version before; `None` for a merchant that it creates.
    pub(crate) before: Option<&'a StoredMerchant>,
    /// True if the change names the fields that it replaces, so that a field without value is one to clear.
    pub(crate) names_fields: bool,
    /// True if a change of anything but the visibility has to be reviewed.
    pub(crate) review_changes: bool,
}

impl LimitedEdit<'_> {
    /// Returns the merchant that the change makes: with the external ids of the version before, with the label of the scope, and
    /// with a pending review if it has to be reviewed.
    ///
    /// # Errors
    /// A violation if the change sets external ids, or the merchant is too large or has too many labels with the label of the scope.
    pub(crate) fn apply(self, merchant: Merchant) -> Result<Merchant, ServiceError> {
        let mut given = given_of(&merchant)?;
        let before = self.before.map(|before| given_of(&before.merchant)).transpose()?;
        let external_ids = before.as_ref().map(|before| before.external_ids.as_slice()).unwrap_or_default();
        if given.external_ids.is_empty() && !self.names_fields {
            given.external_ids = external_ids.to_vec();
        } else if given.external_ids != external_ids {
            return Err(ServiceError::invalid(
                "external_ids",
                reason::UNEXPECTED,
                "cannot be set by an API key that is limited to merchants; omit it, which keeps what the merchant has",
            ));
        }
        if let MerchantScope::Label { label, value } = self.scope {
            given.labels.insert(label.clone(), value.clone());
            if given.labels.len() > MAX_LABELS {
                let description = format!(
                    "must have at most {MAX_LABELS} elements, with {label}, which the API key is limited to"
                );
                return Err(ServiceError::invalid("labels", reason::TOO_MANY, description));
            }
        }
        let is_reviewed_again = || {
            let (before, after) = (before.as_ref().map(without_state), without_state(&given));
            self.review_changes && before.is_some_and(|before| before != after)
        };
        if before.is_none() || is_reviewed_again() {
            given.review =
                Some(wire::Review { state: wire::ReviewState::Pending.into(), reason: String::new() });
        }
        encode_reviewed(given, merchant.id, merchant.position, None)
    }
}

fn given_of(merchant: &Merchant) -> Result<wire::Merchant, ServiceError> {
    decode_pieces(merchant.profile.given()).map_err(|_| UNREADABLE)
}

/// The fields that a review is about.
fn without_state(given: &wire::Merchant) -> wire::Merchant {
    wire::Merchant { review: None, visibility: 0, ..given.clone() }
}
