//! Distributes the rows of one call of ImportMerchants over messages.

use std::sync::Arc;

use nearby_proto::{
    v1::{ImportMerchantsRequest, ImportRow, Merchant, Visibility},
    well_known::FieldMask,
};
use prost::Message;

const ROWS_PER_MESSAGE: usize = 500;
/// Well below the 4 MiB limit of a message, which also has the masks of its rows.
const BYTES_PER_MESSAGE: usize = 1024 * 1024;
/// Bytes of a row, so that a message holds at least two.
pub(crate) const MAX_ROW_BYTES: usize = BYTES_PER_MESSAGE / 2;

/// Options of how rows are stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct StoreOptions {
    /// Accept merchants at exactly 0,0.
    pub(crate) allow_null_island: bool,
    /// Replace merchants as a whole, with the fields that the file cannot hold.
    pub(crate) replace_fields: bool,
    /// The source that all rows come from.
    pub(crate) source: Option<String>,
    /// Check the rows, and store none.
    pub(crate) dry_run: bool,
}

impl StoreOptions {
    /// Gives a merchant the source of the import, if it has one. As an export writes it: the source has the merchant now.
    pub(crate) fn claim(&self, merchant: &mut Merchant) {
        let Some(source) = &self.source else { return };
        merchant.source.clone_from(source);
        if merchant.visibility() == Visibility::Missing {
            merchant.set_visibility(Visibility::Unspecified);
        }
    }

    /// The mask of rows that replace these fields. An import with a source replaces that, too.
    fn mask(&self, fields: &Fields) -> FieldMask {
        let source = self.source.as_ref().map(|_| "source");
        let paths: Vec<&str> = match fields {
            Some(fields) => fields.iter().copied().chain(source).collect(),
            None => vec!["*"],
        };
        FieldMask { paths: paths.into_iter().map(str::to_owned).collect() }
    }
}

/// The fields that a row replaces in a merchant that exists; `None` for the whole merchant.
type Fields = Option<Arc<[&'static str]>>;

/// Distributes rows over messages within the limits of rows and bytes, in order. Rows with different masks share a message: each commit
/// of the server takes the rows of one message at most.
pub(crate) struct Messages<'a> {
    options: &'a StoreOptions,
    messages: Vec<ImportMerchantsRequest>,
    /// Bytes of the rows of the last message.
    bytes: usize,
    /// The masks of the last message, each once: their paths are sent once per message, and not with every row.
    masks: Vec<Fields>,
}

impl<'a> Messages<'a> {
    pub(crate) fn new(options: &'a StoreOptions) -> Self {
        Self { options, messages: Vec::new(), bytes: 0, masks: Vec::new() }
    }

    pub(crate) fn push(&mut self, mut row: ImportRow, fields: Fields) {
        let fields = fields.filter(|_| !self.options.replace_fields);
        let length = row.encoded_len();
        let has_room = |last: &ImportMerchantsRequest| {
            last.rows.len() < ROWS_PER_MESSAGE && self.bytes + length <= BYTES_PER_MESSAGE
        };
        if !self.messages.last().is_some_and(has_room) {
            self.bytes = 0;
            self.masks.clear();
            self.messages.push(ImportMerchantsRequest {
                allow_null_island: self.options.allow_null_island,
                validate_only: self.options.dry_run,
                ..Default::default()
            });
        }
        let Some(last) = self.messages.last_mut() else { return };
        let known = self.masks.iter().position(|mask| *mask == fields);
        let index = known.unwrap_or_else(|| {
            last.update_masks.push(self.options.mask(&fields));
            self.masks.push(fields);
            self.masks.len() - 1
        });
        row.update_mask_index = i32::try_from(index).unwrap_or(i32::MAX);
        self.bytes += length;
        last.rows.push(row);
    }

    pub(crate) fn into_vec(self) -> Vec<ImportMerchantsRequest> {
        self.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(options: &StoreOptions, masks: &[Option<&[&'static str]>]) -> Vec<ImportMerchantsRequest> {
        let mut messages = Messages::new(options);
        for (mask, row_number) in masks.iter().zip(0..) {
            let row = ImportRow { row_number, merchant: Some(Merchant::default()), ..Default::default() };
            messages.push(row, mask.map(Into::into));
        }
        messages.into_vec()
    }

    /// The paths of the mask of each row, in the order of the rows.
    fn paths(messages: &[ImportMerchantsRequest]) -> Vec<Vec<&str>> {
        messages
            .iter()
            .flat_map(|message| {
                message.rows.iter().map(|row| {
                    let mask = &message.update_masks[usize::try_from(row.update_mask_index).unwrap()];
                    mask.paths.iter().map(String::as_str).collect()
                })
            })
            .collect()
    }

    #[test]
    fn rows_with_alternating_masks_share_a_message_and_keep_their_order() {
        let kinds: [Option<&[&str]>; 4] =
            [Some(&["phone"]), Some(&["brand", "phone"]), None, Some(&["valid_from"])];
        let masks: Vec<_> = (0..1_200).map(|row| kinds[row % kinds.len()]).collect();
        let sent = messages(&StoreOptions::default(), &masks);
        let sizes: Vec<_> =
            sent.iter().map(|message| (message.rows.len(), message.update_masks.len())).collect();
        assert_eq!(sizes, [(500, 4), (500, 4), (200, 4)], "rows and masks of each message");
        let numbers: Vec<i64> =
            sent.iter().flat_map(|message| message.rows.iter().map(|row| row.row_number)).collect();
        assert_eq!(numbers, (0..1_200).collect::<Vec<i64>>());
        let expected: Vec<Vec<&str>> =
            masks.iter().map(|mask| mask.map_or_else(|| vec!["*"], <[&str]>::to_vec)).collect();
        assert_eq!(paths(&sent), expected);
    }

    #[test]
    fn the_source_of_an_import_is_in_each_mask_and_replaced_merchants_have_one_mask() {
        let masks: [Option<&[&str]>; 3] = [Some(&["phone"]), None, Some(&["brand"])];
        let with_source = StoreOptions { source: Some("feed".to_owned()), ..Default::default() };
        let sent = messages(&with_source, &masks);
        assert_eq!(paths(&sent), [vec!["phone", "source"], vec!["*"], vec!["brand", "source"]]);
        let whole = StoreOptions { replace_fields: true, ..with_source };
        let sent = messages(&whole, &masks);
        assert_eq!((sent.len(), sent[0].update_masks.len()), (1, 1));
        assert_eq!(paths(&sent), [["*"]; 3]);
    }
}
