//! Request ids (AIP-155).

use nearby_store::RequestId;
use prost::Message;
use uuid::Uuid;

use crate::{commit::RequestKey, error::ServiceError, merchant_scope::MerchantScope, reason};

/// Namespace of fingerprints, which are UUIDs of version 5 (RFC 9562): they are stored, and the same in every release.
const FINGERPRINTS: Uuid = Uuid::from_u128(0x3f6b_8c1e_52a7_4d0b_9e41_7c8d_a2f0_6b35);

/// The key of a request. `request` is the request without its id; the method distinguishes requests of equal content.
pub(crate) fn request_key(
    request_id: &str,
    method: &str,
    request: &impl Message,
) -> Result<Option<RequestKey>, ServiceError> {
    if request_id.is_empty() {
        return Ok(None);
    }
    let id = Uuid::try_parse(request_id).ok().filter(|id| request_id.len() == 36 && !id.is_nil());
    let Some(id) = id else {
        return Err(ServiceError::invalid(
            "request_id",
            reason::INVALID_REQUEST_ID,
            "must be a hyphenated UUID, such as 7c9e6679-7425-40de-944b-e07fc1f90ae7; use a new one for each request",
        ));
    };
    let content = [method.as_bytes(), b":", &request.encode_to_vec()].concat();
    let fingerprint = Uuid::new_v5(&FINGERPRINTS, &content).into_bytes();
    Ok(Some(RequestKey { id: RequestId(id.into_bytes()), fingerprint }))
}

/// The key of a request of a caller that is limited to merchants: only a caller with these gets its result again.
pub(crate) fn request_of_scope(request: RequestKey, scope: Option<&MerchantScope>) -> RequestKey {
    let Some(scope) = scope else { return request };
    let content = [&request.fingerprint[..], scope.to_string().as_bytes()].concat();
    RequestKey { fingerprint: Uuid::new_v5(&FINGERPRINTS, &content).into_bytes(), ..request }
}
