//! Searches from the wire to the wire without a server around them: what benches time.

use std::sync::Arc;

use nearby_index::{Hits, IndexWriter, MerchantId, Radius, Revision, Snapshot, UnixMicros};
use nearby_proto::v1 as wire;

use crate::grpc::{
    convert::{MOST_PAGE_BYTES, SearchRequest, SearchSettings, finish, merchant_from_wire, search_from_wire},
    nearby_service::page_response::answer,
};
use crate::{commit::Stamp, error::ServiceError, page_token::PageTokens};

/// Merchants that can be searched.
#[derive(Debug)]
pub struct Offline {
    snapshot: Arc<Snapshot>,
    tokens: PageTokens,
}

/// A search that has been parsed.
#[derive(Debug)]
pub struct Parsed(SearchRequest);

/// Some moment.
const STORED_AT: UnixMicros = UnixMicros(1_700_000_000_000_000);

impl Offline {
    /// Of these merchants, given as a caller would, by id.
    ///
    /// # Errors
    /// Where one of them cannot be.
    pub fn new(
        merchants: impl IntoIterator<Item = (MerchantId, wire::Merchant)>,
    ) -> Result<Self, ServiceError> {
        let stored = (1..).map(Revision).zip(merchants).map(|(revision, (id, given))| {
            let merchant = merchant_from_wire(given, id, "merchant")?;
            let stamp = Stamp { revision, placed: revision, create_time: STORED_AT, update_time: STORED_AT };
            Ok(Arc::new(finish(merchant, stamp)))
        });
        let stored = stored.collect::<Result<Vec<_>, ServiceError>>()?;
        let revision = Revision(stored.len() as u64);
        let snapshot = IndexWriter::load(stored, revision).reader().snapshot();
        let tokens = PageTokens::ephemeral().map_err(|_| ServiceError::Internal("there is no randomness"))?;
        Ok(Self { snapshot, tokens })
    }

    /// Parses a search.
    ///
    /// # Errors
    /// Where a server would refuse it.
    pub fn parse(&self, given: &wire::SearchNearbyRequest) -> Result<Parsed, ServiceError> {
        let settings =
            SearchSettings { most_radius: Radius::DEFAULT, search_hidden: false, log_cells: false };
        search_from_wire(given, settings, UnixMicros(0), &self.tokens).map(Parsed)
    }

    /// Finds, and no more. Returns how many there are.
    #[must_use]
    pub fn find(&self, Parsed(request): &Parsed) -> usize {
        let mut hits = Hits::default();
        self.snapshot.search_into(&request.query, Default::default(), &mut hits);
        hits.as_slice().len()
    }

    /// Finds and encodes the whole answer, with the token of the next page. Returns how many bytes.
    ///
    /// # Errors
    /// Where a server would fail.
    pub fn answer(&self, Parsed(request): &Parsed) -> Result<usize, ServiceError> {
        let page = answer(request, &self.snapshot, &self.tokens, MOST_PAGE_BYTES, &|| true)?;
        page.map(|page| page.encoded.as_bytes().len()).ok_or(ServiceError::Internal("a search stopped"))
    }
}
