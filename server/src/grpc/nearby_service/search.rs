//! One search: `SearchNearby`, and each search of a batch or a stream.

use std::{
    cell::Cell,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_index::{CoarseCell, Position, Snapshot, Wgs84};
use nearby_proto::v1::SearchNearbyRequest;

use super::{
    NearbyServiceImpl, SearchSettings,
    page_response::{Page, page_response},
};
use crate::{
    auth::role::Role,
    error::ServiceError,
    grpc::{convert::search_from_wire, offload::run_or_offload, request_context::RequestContext},
    service::Service,
};

impl NearbyServiceImpl {
    /// Runs one search. The page has at most `max_bytes`.
    pub(super) async fn search(
        &self,
        service: &Arc<Service>,
        snapshot: Arc<Snapshot>,
        given: &SearchNearbyRequest,
        max_bytes: usize,
        context: &RequestContext,
    ) -> Result<Page, ServiceError> {
        let request = search_from_wire(given, self.settings_for(context), (self.clock)(), &service.tokens)?;
        let (origin, revision) = (request.origin, snapshot.revision());
        let (tokens, calendar) = (service.tokens.clone(), Arc::clone(&service.calendar));
        // A long search runs twice, inline and from the start on a blocking thread: both runs count.
        let pages_visited = Arc::new(AtomicU32::new(0));
        let total = Arc::clone(&pages_visited);
        let job = move |should_continue: &dyn Fn() -> bool| {
            // The search calls it once for each page of the tree.
            let pages = Cell::new(0_u32);
            let count_page = || {
                pages.set(pages.get() + 1);
                should_continue()
            };
            let page = page_response(&request, &snapshot, (&tokens, &calendar), max_bytes, &count_page);
            total.fetch_add(pages.get(), Ordering::Relaxed);
            page
        };
        let start = Instant::now();
        let page = run_or_offload(context.work()?, context.deadline, job).await?;
        self.record((given, context), (page.results, pages_visited.load(Ordering::Relaxed)), start.elapsed());
        tracing::debug!(
            method = "SearchNearby",
            results = page.results,
            revision = revision.0,
            h3_cell = self.cell(origin).map(tracing::field::display),
        );
        Ok(page)
    }

    fn record(
        &self,
        (given, context): (&SearchNearbyRequest, &RequestContext),
        (results, pages): (usize, u32),
        took: Duration,
    ) {
        let metrics = &self.metrics.searches;
        metrics.results.observe(f64::from(u32::try_from(results).unwrap_or(u32::MAX)));
        metrics.pages.observe(f64::from(pages));
        let filtered = if given.filter.is_some() { "true" } else { "false" };
        metrics.all.with_label_values(&[filtered]).inc();
        if self.slow.is_some_and(|slow| took > slow) {
            metrics.slow.inc();
            let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let (radius_m, page_size, grouped) = (given.radius_m, given.page_size, given.group_by_position);
            let principal = context.principal_name();
            tracing::warn!(
                principal,
                elapsed_ms,
                results,
                pages,
                radius_m,
                page_size,
                filtered,
                grouped,
                "slow search"
            );
        }
    }

    pub(super) fn settings_for(&self, context: &RequestContext) -> SearchSettings {
        let is_manager = context.has(Role::Manage);
        let shows_internal = self.settings.shows_internal || is_manager;
        SearchSettings { search_hidden: is_manager, shows_internal, ..self.settings }
    }

    /// The coarse cell of an origin for debug logs, if the operator allows it.
    fn cell(&self, origin: Position<Wgs84>) -> Option<CoarseCell> {
        self.settings.log_cells.then(|| CoarseCell::of(origin)).flatten()
    }
}
