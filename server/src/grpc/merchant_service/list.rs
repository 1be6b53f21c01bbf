//! `ListMerchants`: all merchants in order of their ids, page by page.

use std::{ops::Bound, sync::Arc};

use nearby_index::{Effort, MerchantId, StoredMerchant, VisibilityFilter};
use nearby_proto::{Encoded, v1 as wire};
use prost::Message;

use super::ReadAccess;
use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_PAGE_BYTES, View, filter_from_wire, may_filter_by_labels, page_size, view_from_wire},
        cost::{self, Returned},
        offload::run_or_offload,
        request_context::RequestContext,
        response_encoder::{field_len, len, put_field, put_merchant, viewed},
    },
    merchant_scope::MerchantScope,
    page_token::{Fingerprint, Payload},
    service::Service,
};

/// Merchants between two checks whether to continue, and the work on names and labels that takes as long: a microsecond or two.
const MERCHANTS_PER_CHECK: usize = 256;
const EFFORT_PER_CHECK_NS: u64 = 1_500;

/// One page.
pub(super) async fn list(
    service: &Service,
    given: &wire::ListMerchantsRequest,
    (context, access): (&RequestContext, ReadAccess),
) -> Result<Encoded<wire::ListMerchantsResponse>, ServiceError> {
    let size = page_size(given.page_size, "page_size", 100, 1_000)?.get();
    let filter = filter_from_wire(given.filter.as_ref(), "filter", VisibilityFilter::All, access.now)?;
    may_filter_by_labels(given.filter.as_ref(), access.internal)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full, access.internal)?;
    let query = Fingerprint::of("ListMerchants")
        .with(&given.filter.as_ref().map(Message::encode_to_vec).unwrap_or_default());
    let after = service.tokens.open(&given.page_token, &query)?.map(|payload| payload.id()).transpose()?;
    let snapshot = service.snapshot();
    let charges = Arc::clone(&context.charges);
    let job = move |should_continue: &dyn Fn() -> bool| {
        let mut page = ListPage::default();
        let all: Box<dyn Iterator<Item = &Arc<StoredMerchant>>> = match access.scope.as_deref() {
            Some(MerchantScope::Ids(ids)) => {
                let from = after.as_ref().map_or(Bound::Unbounded, Bound::Excluded);
                Box::new(ids.range((from, Bound::Unbounded)).filter_map(|id| snapshot.get(id)))
            }
            Some(MerchantScope::Label { .. }) | None => Box::new(snapshot.list(after.as_ref())),
        };
        let admits = |stored: &StoredMerchant, effort: &Effort| {
            filter.matches(stored, effort) && access.is_in_scope(stored)
        };
        let next = page.fill(all, (admits, view), size, should_continue);
        let returned = Returned::of(view, page.merchants, page.response.len()).further_cost();
        charges.add_debt(cost::skipped(page.skipped) + cost::effort(&page.effort) + returned);
        Ok(next.map(|next| (page.response, next)))
    };
    let (mut response, next) = run_or_offload(context.work()?, context.deadline, job).await?;
    if let Some(last) = next {
        put_field(&mut response, 2, service.tokens.seal(&Payload::from(&last), &query)?.as_bytes());
    }
    Ok(Encoded::from_bytes(response))
}

/// A page while it is filled.
#[derive(Default)]
struct ListPage {
    response: Vec<u8>,
    merchants: usize,
    /// Merchants that the filter skipped.
    skipped: usize,
    /// The work of the filter on names and labels.
    effort: Effort,
}

impl ListPage {
    /// Adds merchants until the page is full. Returns the last one if there are more, and `None` once `should_continue` is false.
    fn fill<'s>(
        &mut self,
        all: impl Iterator<Item = &'s Arc<StoredMerchant>>,
        (admits, view): (impl Fn(&StoredMerchant, &Effort) -> bool, View),
        size: usize,
        should_continue: &dyn Fn() -> bool,
    ) -> Option<Option<MerchantId>> {
        let (mut last, mut checks_of_effort) = (None, 0);
        for (checked, stored) in (1..).zip(all) {
            if checked % MERCHANTS_PER_CHECK == 0 && !should_continue() {
                return None;
            }
            let is_match = admits(stored, &self.effort);
            while checks_of_effort < self.effort.nanoseconds() / EFFORT_PER_CHECK_NS {
                checks_of_effort += 1;
                if !should_continue() {
                    return None;
                }
            }
            if !is_match {
                self.skipped += 1;
                continue;
            }
            let merchant = viewed(stored, view);
            let is_full = self.merchants == size
                || (self.merchants > 0 && self.response.len() + field_len(len(merchant)) > MAX_PAGE_BYTES);
            if is_full {
                // There is one more merchant, so there is a next page.
                return Some(last);
            }
            put_merchant(&mut self.response, 1, merchant);
            self.merchants += 1;
            last = Some(stored.merchant.id.clone());
        }
        Some(None)
    }
}
