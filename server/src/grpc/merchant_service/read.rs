//! Merchants by name and by page.

use nearby_index::{MerchantId, Shown, StoredMerchant, Visibility};
use nearby_proto::{Encoded, v1 as wire};
use prost::{Message, encoding};

use crate::{
    auth::Role,
    error::ServiceError,
    grpc::{
        convert::{MOST_PAGE_BYTES, batch_size, filter_from_wire, id_from_name, page_size, view_from_wire},
        middleware::deadline::Deadline,
        offload::at_work,
        request_context::Asker,
        response_encoder::{field_len, len, put_field, put_merchant, viewed},
    },
    overload::work_queue::Turns,
    page_token::{Fingerprint, Payload},
    service::Service,
};

/// Most names of a batch.
const MOST_NAMES: usize = 1_000;

/// Whether whoever asks may read a merchant: hidden ones are there only for those who may manage.
pub(super) fn may_read(stored: &StoredMerchant, asker: &Asker) -> bool {
    stored.merchant.visibility == Visibility::Visible || asker.may(Role::Manage)
}

/// All of these merchants at one revision.
pub(super) fn batch(
    service: &Service,
    given: &wire::BatchGetMerchantsRequest,
    asker: &Asker,
) -> Result<Encoded<wire::BatchGetMerchantsResponse>, ServiceError> {
    batch_size(given.names.len(), "names", MOST_NAMES)?;
    asker.charge(given.names.len() - 1)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full)?;
    let snapshot = service.snapshot();
    let mut answer = Vec::new();
    for (at, name) in given.names.iter().enumerate() {
        let id = id_from_name(name, &format!("names[{at}]"))?;
        let stored =
            snapshot.get(&id).filter(|stored| may_read(stored, asker)).ok_or(ServiceError::NotFound(id))?;
        put_merchant(&mut answer, 1, viewed(stored, view));
        if answer.len() > MOST_PAGE_BYTES {
            return Err(ServiceError::AnswerTooLarge(MOST_PAGE_BYTES));
        }
    }
    encoding::uint64::encode(2, &snapshot.revision().0, &mut answer);
    Ok(Encoded::from_bytes(answer))
}

/// A page of all merchants, by id.
pub(super) async fn list(
    service: &Service,
    given: &wire::ListMerchantsRequest,
    (turns, deadline): (&Turns, Deadline),
) -> Result<Encoded<wire::ListMerchantsResponse>, ServiceError> {
    let size = page_size(given.page_size, "page_size", 100, 1_000)?.get();
    let filter = filter_from_wire(given.filter.as_ref(), "filter", Shown::All)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full)?;
    let query = Fingerprint::of("ListMerchants")
        .with(&given.filter.as_ref().map(Message::encode_to_vec).unwrap_or_default());
    let after = service.tokens.open(&given.page_token, &query)?.map(|payload| payload.id()).transpose()?;
    let snapshot = service.snapshot();
    let job = move |goes_on: &dyn Fn() -> bool| {
        let mut answer = Vec::new();
        let (mut count, mut last): (usize, Option<MerchantId>) = (0, None);
        let mut looked_at = 0;
        for stored in snapshot.list(after.as_ref()) {
            looked_at += 1;
            if looked_at % LOOK_UP_EVERY == 0 && !goes_on() {
                return Ok(None);
            }
            if !filter.lets_through(stored) {
                continue;
            }
            let merchant = viewed(stored, view);
            if count == size || (count > 0 && answer.len() + field_len(len(merchant)) > MOST_PAGE_BYTES) {
                // There is one more, so that there is a page after this one.
                return Ok(Some((answer, last)));
            }
            put_merchant(&mut answer, 1, merchant);
            (count, last) = (count + 1, Some(stored.merchant.id.clone()));
        }
        Ok(Some((answer, None)))
    };
    let (mut answer, next) = at_work((turns, None), deadline, job).await?;
    if let Some(last) = next {
        put_field(&mut answer, 2, service.tokens.seal(&Payload::from(&last), &query)?.as_bytes());
    }
    Ok(Encoded::from_bytes(answer))
}

/// Merchants after which a job looks up.
const LOOK_UP_EVERY: usize = 256;
