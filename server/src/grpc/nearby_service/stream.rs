//! `StreamSearchNearby`: searches as they come, answered in their order.

use futures_util::stream;
use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};
use tonic::{Status, Streaming};

use super::{Searches, request_status};
use crate::{
    error::ServiceError,
    grpc::{
        convert::MOST_PAGE_BYTES, method::Class, middleware::error_details::explained_below,
        request_context::Asker, response_encoder::put_field, streaming::AnswerStream,
    },
    reason,
    service::STOPPING,
};

/// Answers that are made as they are read: a caller that does not read makes no work.
pub(super) fn answers(
    searches: Searches,
    requests: Streaming<wire::StreamSearchNearbyRequest>,
    asker: Asker,
) -> AnswerStream<Encoded<wire::StreamSearchNearbyResponse>> {
    let state = Some((searches, requests, asker, 0));
    Box::pin(stream::try_unfold(state, move |state| async move {
        let Some((searches, mut requests, asker, answered)) = state else { return Ok(None) };
        let next = tokio::select! {
            next = requests.message() => next.map_err(explained_below)?,
            () = searches.door.stopping() => return Err(Status::from(STOPPING)),
        };
        let Some(request) = next else { return Ok(None) };
        // The first was charged with the call.
        if answered > 0 {
            asker.charge(1)?;
        }
        let answer = answer(&searches, &request, &asker).await;
        Ok(Some((answer, Some((searches, requests, asker, answered + 1)))))
    }))
}

async fn answer(
    searches: &Searches,
    given: &wire::StreamSearchNearbyRequest,
    asker: &Asker,
) -> Encoded<wire::StreamSearchNearbyResponse> {
    let mut answer = Vec::new();
    if given.tag != 0 {
        encoding::uint64::encode(1, &given.tag, &mut answer);
    }
    match search(searches, given, asker).await {
        Ok(page) => put_field(&mut answer, 2, page.as_bytes()),
        Err(error) => put_field(&mut answer, 3, &request_status(error).encode_to_vec()),
    }
    Encoded::from_bytes(answer)
}

async fn search(
    searches: &Searches,
    given: &wire::StreamSearchNearbyRequest,
    asker: &Asker,
) -> Result<Encoded<wire::SearchNearbyResponse>, ServiceError> {
    let required = || ServiceError::invalid("request", reason::REQUIRED, "must be given");
    let request = given.request.as_ref().ok_or_else(required)?;
    let service = searches.door.enter()?;
    let snapshot = service.snapshot();
    Ok(searches
        .search(&service, snapshot, request, (MOST_PAGE_BYTES, Some(Class::Bulk)), asker)
        .await?
        .encoded)
}
