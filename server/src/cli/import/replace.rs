//! `import --replace`: hides or deletes the merchants of a source that the file lacks.
//!
//! The merchants of the source are listed before the import and, once the whole file has been read, after it. Those of the first list
//! whose names no row has are missing: merchants that others add during the import are not. They are changed in transactions of at
//! most [`MERCHANTS_PER_TRANSACTION`]. An import that is stopped can be run again, and finds those that are left.

use std::collections::HashSet;

use clap::ValueEnum;
use nearby_client::{Client, ClientError, Code};
use nearby_proto::{
    v1::{
        BatchDeleteMerchantsRequest, BatchUpdateMerchantsRequest, DeleteMerchantRequest,
        ExportMerchantsRequest, Merchant, MerchantFilter, UpdateMerchantRequest, Visibility,
    },
    well_known::FieldMask,
};
use prost::Message;
use serde::Serialize;

use super::names::{NameHash, Names, hash};
use crate::cli::{
    escape,
    exit_code::CliError,
    terminal::{count, grouped},
};

/// Merchants per transaction. Few enough that other writes wait for a few milliseconds only.
const MERCHANTS_PER_TRANSACTION: usize = 500;
/// Bytes of the merchants of a transaction: the response to an update contains them, and is limited to 3.5 MB.
const BYTES_PER_TRANSACTION: usize = 3_000_000;

/// The change of a merchant that its source no longer contains.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum MissingAction {
    /// Hide the merchant until a row has its id again. Merchants that are hidden already stay as they are.
    Hide,
    /// Delete the merchant.
    Delete,
}

/// Options of a replacement.
#[derive(Clone, Debug)]
pub(super) struct ReplaceOptions {
    pub(super) source: String,
    pub(super) action: MissingAction,
    /// Share of the merchants beyond which none is removed.
    pub(super) max_removed_percent: f64,
    /// Remove merchants though some rows, whose ids cannot be read, may be about them.
    pub(super) ignores_unreadable: bool,
    pub(super) dry_run: bool,
}

/// The replacement of the merchants of a source by those of a file.
pub(super) struct Replacement {
    client: Client,
    options: ReplaceOptions,
    /// The merchants of the source before the import that the action would change.
    before: HashSet<NameHash>,
}

/// The merchants of a source that a file lacks. The JSON field names are stable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Removal {
    source: String,
    action: MissingAction,
    /// Merchants of the source before the import; hidden ones count only if they are to be deleted.
    merchants: u64,
    /// Those of them that no row of the file has.
    missing: u64,
    /// Missing merchants that were hidden or deleted, or in a dry run would be.
    removed: u64,
    /// Missing merchants that stay because they have changed in the meantime.
    changed: u64,
}

/// A merchant that is missing from the file.
struct Missing {
    name: String,
    etag: String,
    bytes: usize,
}

impl Replacement {
    /// Lists the merchants of the source before the import.
    pub(super) async fn begin(client: &Client, options: ReplaceOptions) -> Result<Self, CliError> {
        let mut replacement = Self { client: client.clone(), options, before: HashSet::new() };
        let mut before = HashSet::new();
        let insert = |merchant: Merchant| {
            before.insert(hash(&merchant.name));
        };
        replacement.for_each_removable(insert).await?;
        replacement.before = before;
        Ok(replacement)
    }

    /// Removes the merchants that are missing, or says why none is removed.
    pub(super) async fn finish(&self, names: &Names) -> Result<(Removal, Option<CliError>), CliError> {
        let mut missing = Vec::new();
        let is_missing = |hash| self.before.contains(&hash) && !names.contains(hash);
        self.for_each_removable(|merchant| {
            if is_missing(hash(&merchant.name)) {
                let bytes = merchant.encoded_len();
                missing.push(Missing { name: merchant.name, etag: merchant.etag, bytes });
            }
        })
        .await?;
        let mut removal = Removal {
            source: self.options.source.clone(),
            action: self.options.action,
            merchants: self.before.len() as u64,
            missing: missing.len() as u64,
            removed: 0,
            changed: 0,
        };
        if let Some(refusal) = self.refusal(&removal, names.unreadable()) {
            return Ok((removal, Some(refusal)));
        }
        if self.options.dry_run {
            removal.removed = removal.missing;
        } else {
            let done = self.remove(&missing, &mut removal).await;
            done.map_err(|error| error.with_context(&removal.progress()))?;
        }
        Ok((removal, None))
    }

    /// Returns the reason why no merchant may be removed.
    fn refusal(&self, removal: &Removal, unreadable: u64) -> Option<CliError> {
        let Removal { source, merchants, missing, .. } = removal;
        let max_percent = self.options.max_removed_percent;
        if *missing > 0 && unreadable > 0 && !self.options.ignores_unreadable {
            let rows =
                count(unreadable, "rejected row has no readable id", "rejected rows have no readable id");
            let merchants = count(*missing, "merchant", "merchants");
            return Some(CliError::data(format!(
                "{rows} and may be about any of the {merchants} of source {source} missing from the file, of which none was \
                 removed; correct the file, or allow it with --ignore-unreadable"
            )));
        }
        #[expect(clippy::cast_precision_loss, reason = "fewer than 2^53 merchants")]
        let is_above = *missing as f64 * 100.0 > *merchants as f64 * max_percent;
        if is_above {
            let (found, all) = (grouped(*missing), count(*merchants, "merchant", "merchants"));
            return Some(CliError::data(format!(
                "{found} of {all} of source {source} are missing from the file, more than --max-removed {max_percent} %, so \
                 that none was removed; check that the file is complete, or raise the limit"
            )));
        }
        None
    }

    /// Calls `visit` with every merchant of the source that the action would change.
    async fn for_each_removable(&self, mut visit: impl FnMut(Merchant)) -> Result<(), CliError> {
        let filter = MerchantFilter { any_sources: vec![self.options.source.clone()], ..Default::default() };
        let request = ExportMerchantsRequest { filter: Some(filter), ..Default::default() };
        let mut messages = self.client.export_merchants(request).await?;
        while let Some(message) = messages.message().await? {
            for merchant in message.merchants {
                let is_removable = match self.options.action {
                    MissingAction::Hide => merchant.visibility() == Visibility::Visible,
                    MissingAction::Delete => true,
                };
                if is_removable {
                    visit(merchant);
                }
            }
        }
        Ok(())
    }

    async fn remove(&self, missing: &[Missing], removal: &mut Removal) -> Result<(), CliError> {
        for transaction in transactions(missing) {
            match self.remove_all(transaction).await {
                Ok(()) => removal.removed += transaction.len() as u64,
                // The others of the transaction are not to blame.
                Err(error) if is_changed(&error) => {
                    for one in transaction.chunks(1) {
                        match self.remove_all(one).await {
                            Ok(()) => removal.removed += 1,
                            Err(error) if is_changed(&error) => removal.changed += 1,
                            Err(error) => return Err(error.into()),
                        }
                    }
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Removes merchants in one transaction. Each must be as it was listed.
    async fn remove_all(&self, missing: &[Missing]) -> Result<(), ClientError> {
        match self.options.action {
            MissingAction::Hide => {
                let requests = missing.iter().map(Missing::hide).collect();
                let request = BatchUpdateMerchantsRequest { requests, ..Default::default() };
                self.client.batch_update_merchants(request).await.map(drop)
            }
            MissingAction::Delete => {
                let requests = missing.iter().map(Missing::delete).collect();
                let request = BatchDeleteMerchantsRequest { requests, ..Default::default() };
                self.client.batch_delete_merchants(request).await
            }
        }
    }
}

impl Missing {
    fn hide(&self) -> UpdateMerchantRequest {
        UpdateMerchantRequest {
            merchant: Some(Merchant {
                name: self.name.clone(),
                etag: self.etag.clone(),
                visibility: Visibility::Missing.into(),
                ..Default::default()
            }),
            update_mask: Some(FieldMask { paths: vec!["visibility".to_owned()] }),
            ..Default::default()
        }
    }

    fn delete(&self) -> DeleteMerchantRequest {
        DeleteMerchantRequest { name: self.name.clone(), etag: self.etag.clone(), ..Default::default() }
    }
}

impl Removal {
    /// Returns the lines of the report.
    pub(super) fn to_text(&self, dry_run: bool) -> String {
        let Self { source, action, merchants, missing, removed, changed } = self;
        let done = match (action, dry_run) {
            (MissingAction::Hide, false) => "hidden",
            (MissingAction::Delete, false) => "deleted",
            (MissingAction::Hide, true) => "would be hidden",
            (MissingAction::Delete, true) => "would be deleted",
        };
        let (removed, all) = (grouped(*removed), count(*merchants, "merchant", "merchants"));
        let mut text = format!(
            "{} of {all} of source {} missing: {removed} {done}",
            grouped(*missing),
            escape::value(source)
        );
        if *changed > 0 {
            text.push_str(&format!(", {} changed in the meantime and kept", grouped(*changed)));
        }
        text.push('\n');
        text
    }

    /// Returns the progress of a removal that has failed.
    fn progress(&self) -> String {
        let done = match self.action {
            MissingAction::Hide => "hidden",
            MissingAction::Delete => "deleted",
        };
        format!(
            "{} of {} {done}",
            grouped(self.removed),
            count(self.missing, "missing merchant", "missing merchants")
        )
    }
}

/// Returns true if a merchant of a transaction has changed or does not exist any more.
fn is_changed(error: &ClientError) -> bool {
    matches!(error.code(), Code::Aborted | Code::NotFound)
}

/// Splits merchants into transactions within the limits.
fn transactions(mut missing: &[Missing]) -> impl Iterator<Item = &[Missing]> {
    std::iter::from_fn(move || {
        let mut bytes = 0;
        let fits = |merchant: &&Missing| {
            bytes += merchant.bytes;
            bytes <= BYTES_PER_TRANSACTION
        };
        // One merchant is always within the limits.
        let length = missing.iter().take(MERCHANTS_PER_TRANSACTION).take_while(fits).count().max(1);
        let (transaction, rest) = missing.split_at_checked(length)?;
        missing = rest;
        Some(transaction)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transactions_are_bounded_and_contain_every_merchant_once() {
        let missing = |number: usize, bytes| Missing { name: number.to_string(), etag: String::new(), bytes };
        let lengths = |missing: &[Missing]| transactions(missing).map(<[Missing]>::len).collect::<Vec<_>>();
        let small: Vec<Missing> = (0..1_201).map(|number| missing(number, 300)).collect();
        assert_eq!(lengths(&small), [500, 500, 201]);
        let names: Vec<&str> = transactions(&small).flatten().map(|missing| missing.name.as_str()).collect();
        assert!(names.into_iter().eq((0..1_201).map(|number| number.to_string())));
        let large: Vec<Missing> = (0..200).map(|number| missing(number, 33_000)).collect();
        assert_eq!(lengths(&large), [90, 90, 20]);
        assert_eq!(lengths(&[missing(0, usize::MAX)]), [1]);
        assert_eq!(lengths(&[]), [0; 0]);
    }
}
