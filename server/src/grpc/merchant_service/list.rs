//! `ListMerchants`: all merchants in order of their ids, page by page.

use nearby_index::{MerchantId, VisibilityFilter};
use nearby_proto::{Encoded, v1 as wire};
use prost::Message;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_PAGE_BYTES, filter_from_wire, page_size, view_from_wire},
        middleware::deadline::Deadline,
        offload::run_or_offload,
        response_encoder::{field_len, len, put_field, put_merchant, viewed},
    },
    overload::work_queue::Work,
    page_token::{Fingerprint, Payload},
    service::Service,
};

/// Merchants between two checks whether to continue.
const MERCHANTS_PER_CHECK: usize = 256;

/// One page.
pub(super) async fn list(
    service: &Service,
    given: &wire::ListMerchantsRequest,
    (work, deadline): (&Work, Deadline),
) -> Result<Encoded<wire::ListMerchantsResponse>, ServiceError> {
    let size = page_size(given.page_size, "page_size", 100, 1_000)?.get();
    let filter = filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::All)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full, true)?;
    let query = Fingerprint::of("ListMerchants")
        .with(&given.filter.as_ref().map(Message::encode_to_vec).unwrap_or_default());
    let after = service.tokens.open(&given.page_token, &query)?.map(|payload| payload.id()).transpose()?;
    let snapshot = service.snapshot();
    let job = move |should_continue: &dyn Fn() -> bool| {
        let mut response = Vec::new();
        let (mut count, mut last): (usize, Option<MerchantId>) = (0, None);
        let mut checked = 0;
        for stored in snapshot.list(after.as_ref()) {
            checked += 1;
            if checked % MERCHANTS_PER_CHECK == 0 && !should_continue() {
                return Ok(None);
            }
            if !filter.matches(stored) {
                continue;
            }
            let merchant = viewed(stored, view);
            if count == size || (count > 0 && response.len() + field_len(len(merchant)) > MAX_PAGE_BYTES) {
                // There is one more merchant, so there is a next page.
                return Ok(Some((response, last)));
            }
            put_merchant(&mut response, 1, merchant);
            (count, last) = (count + 1, Some(stored.merchant.id.clone()));
        }
        Ok(Some((response, None)))
    };
    let (mut response, next) = run_or_offload(work, deadline, job).await?;
    if let Some(last) = next {
        put_field(&mut response, 2, service.tokens.seal(&Payload::from(&last), &query)?.as_bytes());
    }
    Ok(Encoded::from_bytes(response))
}
