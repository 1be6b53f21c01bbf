//! `BatchSearchNearby`: many searches at one revision.

use std::sync::Arc;

use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};

use super::{Searches, request_status};
use crate::{
    error::ServiceError,
    grpc::{
        convert::{MOST_PAGE_BYTES, batch_size},
        method::Class,
        request_context::Asker,
        response_encoder::{field_len, put_field},
    },
};

/// Most searches of a batch.
const MOST: usize = 1_000;
/// Searches after which other calls have a moment.
const AT_A_TIME: usize = 16;

pub(super) async fn search(
    searches: &Searches,
    given: &wire::BatchSearchNearbyRequest,
    asker: &Asker,
) -> Result<Encoded<wire::BatchSearchNearbyResponse>, ServiceError> {
    batch_size(given.requests.len(), "requests", MOST)?;
    asker.charge(given.requests.len() - 1)?;
    let service = searches.door.enter()?;
    let _turn = searches.bulk.take(Some(Class::Bulk)).await?;
    let snapshot = service.snapshot();
    let mut answer = Vec::new();
    for (at, request) in given.requests.iter().enumerate() {
        if at % AT_A_TIME == AT_A_TIME - 1 {
            tokio::task::yield_now().await;
        }
        // What others left of their share is shared among those that come.
        let share = (MOST_PAGE_BYTES.saturating_sub(answer.len())) / (given.requests.len() - at);
        match searches.search(&service, Arc::clone(&snapshot), request, (share, None), asker).await {
            Ok(page) => put_outcome(&mut answer, 1, page.encoded.as_bytes()),
            // It is the call's.
            Err(ServiceError::DeadlineExceeded) => return Err(ServiceError::DeadlineExceeded),
            Err(error) => put_outcome(&mut answer, 2, &request_status(error).encode_to_vec()),
        }
    }
    let revision = snapshot.revision().0;
    if revision != 0 {
        encoding::uint64::encode(2, &revision, &mut answer);
    }
    Ok(Encoded::from_bytes(answer))
}

/// Writes a `BatchSearchNearbyResult` as a field.
fn put_outcome(answer: &mut Vec<u8>, tag: u32, outcome: &[u8]) {
    encoding::encode_key(1, encoding::WireType::LengthDelimited, answer);
    encoding::encode_varint(field_len(outcome.len()) as u64, answer);
    put_field(answer, tag, outcome);
}
