//! `nearby.v1.NearbyService`.
//!
//! | module | what it is |
//! |---|---|
//! | `answer` | one page of one search, as bytes |
//! | `batch`, `stream` | many searches |
//! | `watch` | what enters, leaves and moves around a caller |
//! | `density` | merchants by H3 cell |

pub(crate) mod batch;
pub(crate) mod density;
pub(crate) mod page_response;
pub(crate) mod stream;
pub(crate) mod watch;

use std::{
    cell::Cell,
    sync::Arc,
    time::{Duration, Instant},
};

use nearby_index::{CoarseCell, Position, Snapshot, Wgs84};
use nearby_proto::{
    Encoded,
    server::nearby_service_server::NearbyService,
    v1::{
        self as wire, BatchSearchNearbyRequest, BatchSearchNearbyResponse, GetDensityRequest,
        GetDensityResponse, SearchNearbyRequest, SearchNearbyResponse, StreamSearchNearbyRequest,
        StreamSearchNearbyResponse, WatchNearbyRequest, WatchNearbyResponse,
    },
};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

use self::page_response::Page;
pub(crate) use self::page_response::answer;
pub(crate) use super::convert::SearchSettings;
use super::{
    convert::{MOST_PAGE_BYTES, search_from_wire},
    method::Class,
    offload::at_work,
    request_context::Asker,
    streaming::AnswerStream,
};
use crate::overload::work_queue::Turns;
use crate::{
    auth::Role,
    clock::Clock,
    error::ServiceError,
    service::{Door, Service},
    telemetry::metrics::Metrics,
};

/// Answers which merchants are near.
#[derive(Clone)]
pub(crate) struct Searches {
    pub(crate) door: Door,
    pub(crate) settings: SearchSettings,
    pub(crate) watch_patience: Duration,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    /// Turns for what is bulk, and for searches that are long.
    pub(crate) bulk: Turns,
    pub(crate) long: Turns,
    /// How long a search may take before it is told.
    pub(crate) slow: Option<Duration>,
}

#[tonic::async_trait]
impl NearbyService for Searches {
    type StreamSearchNearbyStream = AnswerStream<Encoded<StreamSearchNearbyResponse>>;
    type WatchNearbyStream = AnswerStream<Encoded<WatchNearbyResponse>>;

    async fn search_nearby(
        &self,
        request: Request<SearchNearbyRequest>,
    ) -> Result<Response<Encoded<SearchNearbyResponse>>, Status> {
        let asker = Asker::of(&request);
        let service = self.door.enter()?;
        let snapshot = service.snapshot();
        let bounds = (MOST_PAGE_BYTES, Some(Class::Search));
        let page = self.search(&service, snapshot, request.get_ref(), bounds, &asker).await?;
        Ok(Response::new(page.encoded))
    }

    async fn batch_search_nearby(
        &self,
        request: Request<BatchSearchNearbyRequest>,
    ) -> Result<Response<Encoded<BatchSearchNearbyResponse>>, Status> {
        let asker = Asker::of(&request);
        Ok(Response::new(batch::search(self, request.get_ref(), &asker).await?))
    }

    async fn stream_search_nearby(
        &self,
        request: Request<Streaming<StreamSearchNearbyRequest>>,
    ) -> Result<Response<Self::StreamSearchNearbyStream>, Status> {
        let asker = Asker::of(&request);
        self.door.enter()?;
        Ok(Response::new(stream::answers(self.clone(), request.into_inner(), asker)))
    }

    async fn watch_nearby(
        &self,
        request: Request<Streaming<WatchNearbyRequest>>,
    ) -> Result<Response<Self::WatchNearbyStream>, Status> {
        let asker = Asker::of(&request);
        Ok(Response::new(watch::answers(self.clone(), request.into_inner(), asker)?))
    }

    async fn get_density(
        &self,
        request: Request<GetDensityRequest>,
    ) -> Result<Response<GetDensityResponse>, Status> {
        let asker = Asker::of(&request);
        let _turn = self.bulk.take(Some(Class::Bulk)).await?;
        let snapshot = self.door.enter()?.snapshot();
        let area = density::area_from_wire(request.get_ref(), self.settings_for(&asker))?;
        Ok(Response::new(
            at_work((&self.long, None), asker.deadline, move |goes_on| {
                density::count(&area, &snapshot, goes_on)
            })
            .await?,
        ))
    }
}

impl Searches {
    /// Answers one search with a page of at most so many bytes; of a class, where it may be refused as there is too much to
    /// do.
    async fn search(
        &self,
        service: &Arc<Service>,
        snapshot: Arc<Snapshot>,
        given: &SearchNearbyRequest,
        (most_bytes, class): (usize, Option<Class>),
        asker: &Asker,
    ) -> Result<Page, ServiceError> {
        let request = search_from_wire(given, self.settings_for(asker), (self.clock)(), &service.tokens)?;
        let (origin, revision) = (request.origin, snapshot.revision());
        let tokens = service.tokens.clone();
        let job = move |goes_on: &dyn Fn() -> bool| {
            // It looks up once for each page of the tree.
            let pages = Cell::new(0_u32);
            let counted = || {
                pages.set(pages.get() + 1);
                goes_on()
            };
            let page = answer(&request, &snapshot, &tokens, most_bytes, &counted)?;
            Ok(page.map(|page| (page, pages.get())))
        };
        let start = Instant::now();
        let (page, pages) = at_work((&self.long, class), asker.deadline, job).await?;
        self.measure(given, (page.results, pages), start.elapsed());
        tracing::debug!(
            method = "SearchNearby",
            results = page.results,
            revision = revision.0,
            h3_cell = self.cell(origin).map(tracing::field::display),
        );
        Ok(page)
    }

    fn measure(&self, given: &SearchNearbyRequest, (results, pages): (usize, u32), took: Duration) {
        let metrics = &self.metrics.searches;
        metrics.results.observe(f64::from(u32::try_from(results).unwrap_or(u32::MAX)));
        metrics.pages.observe(f64::from(pages));
        let filtered = if given.filter.is_some() { "true" } else { "false" };
        metrics.all.with_label_values(&[filtered]).inc();
        if self.slow.is_some_and(|slow| took > slow) {
            metrics.slow.inc();
            let elapsed_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
            let (radius_m, page_size, grouped) = (given.radius_m, given.page_size, given.group_by_position);
            tracing::warn!(
                elapsed_ms,
                results,
                pages,
                radius_m,
                page_size,
                filtered,
                grouped,
                "a slow search"
            );
        }
    }

    fn settings_for(&self, asker: &Asker) -> SearchSettings {
        SearchSettings { search_hidden: asker.may(Role::Manage), ..self.settings }
    }

    /// What logs may say of where somebody is, if anything.
    fn cell(&self, origin: Position<Wgs84>) -> Option<CoarseCell> {
        self.settings.log_cells.then(|| CoarseCell::of(origin)).flatten()
    }
}

/// Checks where to count, and no more.
pub(super) fn check_density(given: &GetDensityRequest, settings: SearchSettings) {
    drop(density::area_from_wire(given, settings));
}

/// An error of one request among many: the same on the wire as the google.rpc.Status that a call would end with.
fn request_status(error: ServiceError) -> wire::RequestStatus {
    let status = Status::from(error);
    wire::RequestStatus::decode(status.details()).unwrap_or_else(|_| wire::RequestStatus {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}
