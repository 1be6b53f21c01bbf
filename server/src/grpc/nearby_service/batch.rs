//! `BatchSearchNearby`: many searches at one revision.

use std::sync::Arc;

use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};

use super::{NearbyServiceImpl, request_status};
use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_PAGE_BYTES, MAX_SEARCHES, batch_size},
        cost,
        request_context::RequestContext,
        response_encoder::{field_len, put_field},
    },
    overload::slice,
};

pub(super) async fn search(
    searches: &NearbyServiceImpl,
    given: &wire::BatchSearchNearbyRequest,
    context: &RequestContext,
) -> Result<Encoded<wire::BatchSearchNearbyResponse>, ServiceError> {
    batch_size(given.requests.len(), "requests", MAX_SEARCHES)?;
    // The first search was charged with the call.
    context.charges.charge(cost::SEARCH * (given.requests.len() - 1))?;
    let service = searches.handle.service()?;
    let snapshot = service.snapshot();
    let mut response = Vec::new();
    for (at, request) in given.requests.iter().enumerate() {
        slice::yield_if_over().await;
        // Bytes that earlier searches left unused are shared among the remaining ones.
        let max_bytes = (MAX_PAGE_BYTES.saturating_sub(response.len())) / (given.requests.len() - at);
        match searches.search(&service, Arc::clone(&snapshot), request, max_bytes, context).await {
            Ok(page) => put_outcome(&mut response, 1, page.encoded.as_bytes()),
            // The deadline is that of the call.
            Err(ServiceError::DeadlineExceeded) => return Err(ServiceError::DeadlineExceeded),
            Err(error) => put_outcome(&mut response, 2, &request_status(error).encode_to_vec()),
        }
    }
    let revision = snapshot.revision().0;
    if revision != 0 {
        encoding::uint64::encode(2, &revision, &mut response);
    }
    Ok(Encoded::from_bytes(response))
}

/// Writes a `BatchSearchNearbyResult` as a field.
fn put_outcome(response: &mut Vec<u8>, tag: u32, outcome: &[u8]) {
    encoding::encode_key(1, encoding::WireType::LengthDelimited, response);
    encoding::encode_varint(field_len(outcome.len()) as u64, response);
    put_field(response, tag, outcome);
}
