//! `StreamSearchNearby`: searches as they arrive, with responses in the same order.

use futures_util::stream;
use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};
use tonic::{Status, Streaming};

use super::{NearbyServiceImpl, request_status};
use crate::{
    error::ServiceError,
    grpc::{
        convert::MAX_PAGE_BYTES, cost, middleware::error_details::with_details,
        request_context::RequestContext, response_encoder::put_field, streaming::ResponseStream,
    },
    reason,
    service::NOT_READY,
};

/// Responses that are produced as the client reads them: a client that does not read causes no work.
pub(super) fn responses(
    searches: NearbyServiceImpl,
    requests: Streaming<wire::StreamSearchNearbyRequest>,
    context: RequestContext,
) -> Result<ResponseStream<Encoded<wire::StreamSearchNearbyResponse>>, ServiceError> {
    let work = context.work()?.clone();
    let state = Some((searches, requests, context, 0));
    let responses = stream::try_unfold(state, move |state| async move {
        let Some((searches, mut requests, context, count)) = state else { return Ok(None) };
        let next = tokio::select! {
            next = requests.message() => next.map_err(with_details)?,
            () = searches.handle.stopping() => return Err(Status::from(NOT_READY)),
        };
        let Some(request) = next else { return Ok(None) };
        // The first search was charged with the call.
        if count > 0 {
            context.charges.charge(cost::SEARCH)?;
        }
        let response = response(&searches, &request, &context).await;
        Ok(Some((response, Some((searches, requests, context, count + 1)))))
    });
    Ok(Box::pin(work.schedule_stream(responses)))
}

async fn response(
    searches: &NearbyServiceImpl,
    given: &wire::StreamSearchNearbyRequest,
    context: &RequestContext,
) -> Encoded<wire::StreamSearchNearbyResponse> {
    let mut response = Vec::new();
    if given.tag != 0 {
        encoding::uint64::encode(1, &given.tag, &mut response);
    }
    match search(searches, given, context).await {
        Ok(page) => put_field(&mut response, 2, page.as_bytes()),
        Err(error) => put_field(&mut response, 3, &request_status(error).encode_to_vec()),
    }
    Encoded::from_bytes(response)
}

async fn search(
    searches: &NearbyServiceImpl,
    given: &wire::StreamSearchNearbyRequest,
    context: &RequestContext,
) -> Result<Encoded<wire::SearchNearbyResponse>, ServiceError> {
    let required = || ServiceError::invalid("request", reason::REQUIRED, "must be given");
    let request = given.request.as_ref().ok_or_else(required)?;
    let service = searches.handle.service()?;
    let snapshot = service.snapshot();
    Ok(searches.search(&service, snapshot, request, MAX_PAGE_BYTES, context).await?.encoded)
}
