//! `nearby.v1.NearbyService`.
//!
//! | module | contents |
//! |---|---|
//! | `search` | one search |
//! | `page_response` | one page of a search, encoded |
//! | `serving`, `uncertainty` | service areas in results; the effect of an inaccurate origin |
//! | `batch`, `stream` | many searches |
//! | `watch` | merchants that enter, leave and change around a client |
//! | `density` | counts by H3 cell |

pub(crate) mod batch;
pub(crate) mod brand_limit;
pub(crate) mod density;
pub(crate) mod page_response;
pub(crate) mod search;
mod serving;
pub(crate) mod stream;
mod uncertainty;
pub(crate) mod watch;

use std::{sync::Arc, time::Duration};

use nearby_index::UnixMicros;
use nearby_proto::{
    Encoded,
    server::nearby_service_server::NearbyService,
    v1::{
        self as wire, BatchSearchNearbyRequest, BatchSearchNearbyResponse, GetDensityRequest,
        GetDensityResponse, SearchNearbyRequest, SearchNearbyResponse, StreamSearchNearbyRequest,
        StreamSearchNearbyResponse, WatchNearbyRequest, WatchNearbyResponse, WatchNearbyStart,
    },
};
use prost::Message;
use tonic::{Request, Response, Status, Streaming};

pub(crate) use super::convert::SearchSettings;
use super::{
    convert::MAX_PAGE_BYTES, offload::run_or_offload, request_context::RequestContext,
    streaming::ResponseStream,
};
use crate::{clock::Clock, error::ServiceError, service::ServiceHandle, telemetry::metrics::Metrics};

/// The service.
#[derive(Clone)]
pub(crate) struct NearbyServiceImpl {
    pub(crate) handle: ServiceHandle,
    pub(crate) settings: SearchSettings,
    pub(crate) watch_send_timeout: Duration,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    /// Duration from which a search is logged as slow.
    pub(crate) slow: Option<Duration>,
}

#[tonic::async_trait]
impl NearbyService for NearbyServiceImpl {
    type StreamSearchNearbyStream = ResponseStream<Encoded<StreamSearchNearbyResponse>>;
    type WatchNearbyStream = ResponseStream<Encoded<WatchNearbyResponse>>;
    type WatchNearbyFromStream = ResponseStream<Encoded<WatchNearbyResponse>>;

    async fn search_nearby(
        &self,
        request: Request<SearchNearbyRequest>,
    ) -> Result<Response<Encoded<SearchNearbyResponse>>, Status> {
        let context = RequestContext::of(&request);
        let service = self.handle.service()?;
        let snapshot = service.snapshot();
        let page = self.search(&service, snapshot, request.get_ref(), MAX_PAGE_BYTES, &context).await?;
        Ok(Response::new(page.encoded))
    }

    async fn batch_search_nearby(
        &self,
        request: Request<BatchSearchNearbyRequest>,
    ) -> Result<Response<Encoded<BatchSearchNearbyResponse>>, Status> {
        let context = RequestContext::of(&request);
        Ok(Response::new(batch::search(self, request.get_ref(), &context).await?))
    }

    async fn stream_search_nearby(
        &self,
        request: Request<Streaming<StreamSearchNearbyRequest>>,
    ) -> Result<Response<Self::StreamSearchNearbyStream>, Status> {
        let context = RequestContext::of(&request);
        self.handle.service()?;
        Ok(Response::new(stream::responses(self.clone(), request.into_inner(), context)?))
    }

    async fn watch_nearby(
        &self,
        request: Request<Streaming<WatchNearbyRequest>>,
    ) -> Result<Response<Self::WatchNearbyStream>, Status> {
        let context = RequestContext::of(&request);
        let steps = watch::Steps::Stream(Box::new(request.into_inner()));
        Ok(Response::new(watch::responses(self.clone(), steps, context)?))
    }

    async fn watch_nearby_from(
        &self,
        request: Request<WatchNearbyStart>,
    ) -> Result<Response<Self::WatchNearbyFromStream>, Status> {
        let context = RequestContext::of(&request);
        let steps = watch::Steps::Start(Some(Box::new(request.into_inner())));
        Ok(Response::new(watch::responses(self.clone(), steps, context)?))
    }

    async fn get_density(
        &self,
        request: Request<GetDensityRequest>,
    ) -> Result<Response<GetDensityResponse>, Status> {
        let context = RequestContext::of(&request);
        let snapshot = self.handle.service()?.snapshot();
        let area = density::area_from_wire(request.get_ref(), self.settings_for(&context), (self.clock)())?;
        let charges = Arc::clone(&context.charges);
        let job = move |should_continue: &dyn Fn() -> bool| {
            density::count(&area, &snapshot, &charges, should_continue)
        };
        Ok(Response::new(run_or_offload(context.work()?, context.deadline, job).await?))
    }
}

/// Checks an area, for fuzzing.
pub(super) fn check_density(given: &GetDensityRequest, settings: SearchSettings) {
    drop(density::area_from_wire(given, settings, UnixMicros(0)));
}

/// The error of one request among many: on the wire the google.rpc.Status with which a call of its own would end.
fn request_status(error: ServiceError) -> wire::RequestStatus {
    let status = Status::from(error);
    wire::RequestStatus::decode(status.details()).unwrap_or_else(|_| wire::RequestStatus {
        code: status.code().into(),
        message: status.message().to_owned(),
        details: Vec::new(),
    })
}
