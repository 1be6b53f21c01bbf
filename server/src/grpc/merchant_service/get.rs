//! `GetMerchant` and `BatchGetMerchants`.

use nearby_index::{Filter, StoredMerchant};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;

use super::ReadAccess;
use crate::{
    error::ServiceError,
    grpc::{
        convert::{MAX_NAMES, MAX_PAGE_BYTES, View, batch_size, id_from_name, view_from_wire},
        cost::{self, Returned},
        request_context::RequestContext,
        response_encoder::{put_merchant, viewed},
    },
    record,
    service::Service,
};

impl ReadAccess {
    /// Returns whether the caller may read a merchant.
    pub(super) fn may_read(&self, stored: &StoredMerchant) -> bool {
        let visible = Filter { valid_at: [Some(self.now), None], ..Filter::default() };
        self.is_in_scope(stored) && (self.hidden || visible.admits_visibility(stored))
    }

    /// Returns whether a merchant is one that the caller is limited to.
    pub(super) fn is_in_scope(&self, stored: &StoredMerchant) -> bool {
        self.scope.as_ref().is_none_or(|scope| record::is_in_scope(stored, scope))
    }
}

/// One merchant.
pub(super) fn one(stored: &StoredMerchant, access: &ReadAccess) -> Encoded<wire::Merchant> {
    let view = if access.internal { View::Full } else { View::Public };
    Encoded::from_bytes(viewed(stored, view).concat())
}

/// Merchants by name, at one revision.
pub(super) fn batch(
    service: &Service,
    given: &wire::BatchGetMerchantsRequest,
    (context, access): (&RequestContext, &ReadAccess),
) -> Result<Encoded<wire::BatchGetMerchantsResponse>, ServiceError> {
    batch_size(given.names.len(), "names", MAX_NAMES)?;
    context.charges.charge(cost::NAME * given.names.len())?;
    let view = view_from_wire(given.view, wire::MerchantView::Full, access.internal)?;
    let snapshot = service.snapshot();
    let mut response = Vec::new();
    for (at, name) in given.names.iter().enumerate() {
        let id = id_from_name(name, &format!("names[{at}]"))?;
        let stored =
            snapshot.get(&id).filter(|stored| access.may_read(stored)).ok_or(ServiceError::NotFound(id))?;
        put_merchant(&mut response, 1, viewed(stored, view));
        if response.len() > MAX_PAGE_BYTES {
            return Err(ServiceError::ResponseTooLarge(MAX_PAGE_BYTES));
        }
    }
    encoding::uint64::encode(2, &snapshot.revision().0, &mut response);
    context.charges.add_debt(Returned::of(view, given.names.len(), response.len()).further_cost());
    Ok(Encoded::from_bytes(response))
}
