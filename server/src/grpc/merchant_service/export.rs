//! `ExportMerchants`: all merchants at one revision.

use std::sync::Arc;

use futures_util::stream;
use nearby_index::{Effort, MerchantId, UnixMicros, VisibilityFilter};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;
use tonic::Status;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{filter_from_wire, view_from_wire},
        cost::{self, Returned},
        request_context::RequestContext,
        response_encoder::{put_field, put_merchant, viewed},
        streaming::ResponseStream,
    },
    service::{Service, ServiceHandle},
};

/// Size of a message, unless one merchant is larger.
pub(super) const MESSAGE_BYTES: usize = 256 * 1024;
/// Merchants that are checked for one message, in less than half a millisecond: with a selective filter, other work must run in
/// between.
const MERCHANTS_PER_MESSAGE: usize = 4_000;
/// Work on the names and labels of merchants for one message, for the same reason.
const MAX_EFFORT_NS: u64 = 500_000;

/// All merchants, in messages that are produced as the client reads them.
pub(super) fn export(
    service: &Service,
    given: &wire::ExportMerchantsRequest,
    (handle, context): (ServiceHandle, &RequestContext),
    now: UnixMicros,
) -> Result<ResponseStream<Encoded<wire::ExportMerchantsResponse>>, ServiceError> {
    let filter = filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::All, now)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full, true)?;
    let snapshot = service.snapshot();
    let history_id = service.tokens.history().to_string();
    let charges = Arc::clone(&context.charges);
    let next = move |after: Option<MerchantId>| {
        let mut message = Vec::new();
        encoding::uint64::encode(2, &snapshot.revision().0, &mut message);
        put_field(&mut message, 3, history_id.as_bytes());
        let (mut checked, mut merchants, mut last, mut is_last) = (0, 0, None, true);
        let effort = Effort::default();
        for stored in snapshot.list(after.as_ref()) {
            let is_long = checked == MERCHANTS_PER_MESSAGE || effort.nanoseconds() >= MAX_EFFORT_NS;
            if is_long || message.len() >= MESSAGE_BYTES {
                is_last = false;
                break;
            }
            checked += 1;
            last = Some(stored.merchant.id.clone());
            if filter.matches(stored, &effort) {
                put_merchant(&mut message, 1, viewed(stored, view));
                merchants += 1;
            }
        }
        let returned = Returned::of(view, merchants, message.len());
        charges.add_debt(cost::skipped(checked - merchants) + cost::effort(&effort) + returned.cost());
        (Encoded::from_bytes(message), last.filter(|_| !is_last))
    };
    let next = Arc::new(next);
    // The state: `Some(None)` before the first message, then the last id sent, and `None` at the end.
    let state = Some(None);
    let messages = stream::try_unfold(state, move |state| {
        let (next, handle) = (Arc::clone(&next), handle.clone());
        async move {
            let Some(after) = state else { return Ok(None) };
            handle.service()?;
            let (message, last) = next(after);
            Ok::<_, Status>(Some((message, last.map(Some))))
        }
    });
    Ok(Box::pin(context.work()?.schedule_stream(messages)))
}
