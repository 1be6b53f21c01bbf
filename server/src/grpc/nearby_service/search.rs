//! One search: `SearchNearby`, and each search of a batch or a stream.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_index::{CoarseCell, Position, Snapshot, Wgs84};
use nearby_proto::v1::SearchNearbyRequest;

use super::{
    NearbyServiceImpl, SearchSettings,
    page_response::{Page, SearchWork, page_response},
};
use crate::{
    auth::role::Role,
    error::ServiceError,
    grpc::{
        convert::{SearchRequest, search_from_wire, vertices_of},
        cost::{self, Returned},
        offload::{MAX_INLINE_VERTICES, offload, run_or_offload},
        request_context::RequestContext,
    },
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
        let request = self.parse(service, given, context).await?;
        // Another node, which was ahead, has issued the page token.
        let is_ahead = request.first_revision.is_some_and(|first| first > snapshot.revision());
        let snapshot =
            if is_ahead { service.snapshot_since(request.first_revision).await? } else { snapshot };
        let (origin, revision) = (request.served.wgs84, snapshot.revision());
        let (tokens, calendar) = (service.tokens.clone(), Arc::clone(&service.calendar));
        // A long search runs twice, inline and from the start on a blocking thread: both runs count.
        let pages_visited = Arc::new(AtomicUsize::new(0));
        let (total, charges) = (Arc::clone(&pages_visited), Arc::clone(&context.charges));
        let job = move |should_continue: &dyn Fn() -> bool| {
            let work = SearchWork::default();
            let control = (&work, should_continue);
            let page = page_response(&request, &snapshot, (&tokens, &calendar), max_bytes, control);
            total.fetch_add(work.pages.get(), Ordering::Relaxed);
            // Here, where a run ends also if its caller has gone or its deadline has passed.
            let of_page = |page: &Page| {
                Returned::of(request.view, page.results, page.encoded.as_bytes().len()).further_cost()
            };
            let returned = page.as_ref().ok().and_then(Option::as_ref).map(of_page).unwrap_or_default();
            let work = cost::search_work(work.pages.get(), work.examined.get()) + cost::effort(&work.effort);
            charges.add_debt(work + returned);
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

    /// Parses a search. An outline of 1,000 vertices takes 2 ms, and several with 64 holes: a long one has a thread of its own.
    async fn parse(
        &self,
        service: &Service,
        given: &SearchNearbyRequest,
        context: &RequestContext,
    ) -> Result<SearchRequest, ServiceError> {
        let vertices = vertices_of(given.area.as_ref());
        context.charges.add_debt(cost::vertices(vertices));
        let (settings, now) = (self.settings_for(context), (self.clock)());
        if vertices <= MAX_INLINE_VERTICES {
            return search_from_wire(given, settings, now, &service.tokens);
        }
        let (given, tokens) = (given.clone(), service.tokens.clone());
        let job = move || search_from_wire(&given, settings, now, &tokens);
        offload(context.work()?, context.deadline, job).await
    }

    fn record(
        &self,
        (given, context): (&SearchNearbyRequest, &RequestContext),
        (results, pages): (usize, usize),
        took: Duration,
    ) {
        let metrics = &self.metrics.searches;
        let observed = |count: usize| f64::from(u32::try_from(count).unwrap_or(u32::MAX));
        metrics.results.observe(observed(results));
        metrics.pages.observe(observed(pages));
        let filtered = if given.filter.is_some() { "true" } else { "false" };
        metrics.all[usize::from(given.filter.is_some())].inc();
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
        // A key that is limited to merchants maintains those; as a searcher it is like any other.
        let is_limited = context.scope().is_some();
        let is_manager = context.has(Role::Manage) && !is_limited;
        let shows_internal = self.settings.shows_internal || is_manager;
        let search_hidden = is_manager || context.has(Role::Review);
        SearchSettings { search_hidden, shows_internal, ..self.settings }
    }

    /// The coarse cell of an origin for debug logs, if the operator allows it.
    fn cell(&self, origin: Position<Wgs84>) -> Option<CoarseCell> {
        self.settings.log_cells.then(|| CoarseCell::of(origin)).flatten()
    }
}
