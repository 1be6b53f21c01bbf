//! The etags that acknowledgements had, by merchant.
//!
//! An etag names a version. If the stored one differs from the last that was acknowledged, the write was lost, or applied twice.

use std::collections::BTreeMap;

use crate::change::{Applied, Change};

/// The last etag of each merchant that has one writer.
#[derive(Clone, Debug, Default)]
pub(crate) struct Etags(BTreeMap<String, String>);

impl Etags {
    /// Returns the etag of a merchant, by its name.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// Returns all etags, by the name of the merchant.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, etag)| (name.as_str(), etag.as_str()))
    }

    /// Records an acknowledgement.
    pub(crate) fn record(&mut self, change: &Change, applied: &Applied) {
        match change {
            Change::Delete(request) => drop(self.0.remove(&request.name)),
            Change::BatchDelete(batch) => {
                batch.requests.iter().for_each(|request| drop(self.0.remove(&request.name)));
            }
            // The response to an import has no etags.
            Change::Import(messages) => {
                let rows = messages.iter().flat_map(|message| &message.rows);
                for merchant in rows.filter_map(|row| row.merchant.as_ref()) {
                    self.0.remove(&merchant.name);
                }
            }
            Change::Create(_) | Change::Update(_) | Change::BatchCreate(_) | Change::BatchUpdate(_) => {
                for merchant in &applied.merchants {
                    self.0.insert(merchant.name.clone(), merchant.etag.clone());
                }
            }
        }
    }

    /// Forgets all merchants.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use nearby_client::v1::{DeleteMerchantRequest, Merchant, UpdateMerchantRequest};

    use super::*;

    #[test]
    fn a_deletion_and_an_import_end_what_is_known_of_a_version() {
        let merchant =
            |etag: &str| Merchant { name: "merchants/a".into(), etag: etag.into(), ..Default::default() };
        let update = Change::Update(UpdateMerchantRequest::default());
        let stored = |etag| Applied { merchants: vec![merchant(etag)], ..Applied::default() };
        let mut etags = Etags::default();
        etags.record(&update, &stored("1"));
        etags.record(&update, &stored("2"));
        assert_eq!(etags.get("merchants/a"), Some("2"));
        let delete = DeleteMerchantRequest { name: "merchants/a".into(), ..Default::default() };
        etags.record(&Change::Delete(delete), &Applied::default());
        assert_eq!(etags.get("merchants/a"), None);
    }
}
