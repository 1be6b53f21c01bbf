//! Searches without a server around them, from wire to wire, for benchmarks.

use std::sync::Arc;

use nearby_index::{Hits, IndexWriter, MerchantId, Radius, Revision, Snapshot, UnixMicros};
use nearby_proto::v1 as wire;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_PAGE_BYTES, SearchRequest, SearchSettings, merchant_from_wire, search_from_wire},
        nearby_service::page_response::{SearchWork, page_response},
    },
    opening_hours::HolidayCalendar,
    page_token::PageTokens,
    record::{self, VersionMeta, names_of},
};

/// Merchants in an index.
#[derive(Debug)]
pub struct OfflineService {
    snapshot: Arc<Snapshot>,
    tokens: PageTokens,
    calendar: HolidayCalendar,
}

/// A parsed search.
#[derive(Debug)]
pub struct Parsed(SearchRequest);

/// The time at which the merchants were stored: a Monday, 13:30 in Helsinki.
const STORED_AT: UnixMicros = UnixMicros(1_700_479_800_000_000);

impl OfflineService {
    /// Loads merchants.
    ///
    /// # Errors
    /// When one of them is invalid.
    pub fn new(
        merchants: impl IntoIterator<Item = (MerchantId, wire::Merchant)>,
    ) -> Result<Self, ServiceError> {
        let stored = (1..).map(Revision).zip(merchants).map(|(revision, (id, given))| {
            let merchant = merchant_from_wire(given, id, "merchant")?;
            let meta = VersionMeta {
                revision,
                position_revision: revision,
                create_time: STORED_AT,
                update_time: STORED_AT,
            };
            Ok(Arc::new(record::make_version(merchant, meta)))
        });
        let stored = stored.collect::<Result<Vec<_>, ServiceError>>()?;
        let revision = Revision(stored.len() as u64);
        let snapshot = IndexWriter::load_with_names(stored, revision, names_of).reader().snapshot();
        let tokens = PageTokens::ephemeral().map_err(|_| ServiceError::Internal("no random source"))?;
        Ok(Self { snapshot, tokens, calendar: HolidayCalendar::built_in() })
    }

    /// Returns whether a server would store a merchant.
    #[must_use]
    pub fn is_valid(given: &wire::Merchant) -> bool {
        MerchantId::parse("merchant")
            .is_ok_and(|id| merchant_from_wire(given.clone(), id, "merchant").is_ok())
    }

    /// Parses a search, of which the current time is that of [`STORED_AT`].
    ///
    /// # Errors
    /// When a server would reject it.
    pub fn parse(&self, given: &wire::SearchNearbyRequest) -> Result<Parsed, ServiceError> {
        let settings = SearchSettings {
            max_radius: Radius::DEFAULT,
            max_service_radius: Radius::MAX,
            search_hidden: false,
            shows_internal: false,
            log_cells: false,
        };
        search_from_wire(given, settings, STORED_AT, &self.tokens).map(Parsed)
    }

    /// Searches only. Returns the number of results.
    #[must_use]
    pub fn find(&self, Parsed(request): &Parsed) -> usize {
        let mut hits = Hits::default();
        self.snapshot.search_into(&request.query, Default::default(), &mut hits);
        hits.as_slice().len()
    }

    /// Searches and encodes the response, with the token of the next page. Returns its bytes.
    ///
    /// # Errors
    /// When a server would fail.
    pub fn page_response(&self, Parsed(request): &Parsed) -> Result<usize, ServiceError> {
        let (work, should_continue) = (SearchWork::default(), || true);
        let control: (_, &dyn Fn() -> bool) = (&work, &should_continue);
        let page =
            page_response(request, &self.snapshot, (&self.tokens, &self.calendar), MAX_PAGE_BYTES, control)?;
        page.map(|page| page.encoded.as_bytes().len()).ok_or(ServiceError::Internal("a search stopped"))
    }
}
