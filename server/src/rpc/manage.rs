//! `nearby.v1.MerchantService`.

use std::sync::Arc;

use nearby_index::StoredMerchant;
use nearby_proto::v1::{
    CreateMerchantRequest, DeleteMerchantRequest, GetMerchantRequest, ImportMerchantsRequest,
    ImportMerchantsResponse, ListMerchantsRequest, ListMerchantsResponse, Merchant, UpdateMerchantRequest,
    merchant_service_server::MerchantService,
};
use nearby_proto::well_known::Empty;
use tonic::{Request, Response, Status, Streaming};
use uuid::Uuid;

use super::{
    convert::{
        id_from_name, id_from_wire, merchant_from_wire, merchant_to_wire, merge, name_of, page_size,
        revision_of, take_page,
    },
    import::import,
};
use crate::{
    committer::Expect,
    error::ServiceError,
    page_token::{Fingerprint, Payload},
    service::{Door, Service},
};

/// Keeps the merchants.
#[derive(Debug)]
pub(crate) struct Merchants {
    pub(crate) door: Door,
}

#[tonic::async_trait]
impl MerchantService for Merchants {
    async fn get_merchant(&self, request: Request<GetMerchantRequest>) -> Result<Response<Merchant>, Status> {
        let id = id_from_name(&request.get_ref().name, "name")?;
        respond(self.door.enter()?.get(&id)?.as_ref())
    }

    async fn list_merchants(
        &self,
        request: Request<ListMerchantsRequest>,
    ) -> Result<Response<ListMerchantsResponse>, Status> {
        let request = request.get_ref();
        let size = page_size(request.page_size, 100, 1_000)?.get();
        let query = Fingerprint::of("ListMerchants");
        let service = self.door.enter()?;
        let after =
            service.tokens().open(&request.page_token, &query)?.map(|payload| payload.id()).transpose()?;
        let snapshot = service.snapshot();
        let listed = snapshot.list(after.as_ref()).take(size);
        let merchants = take_page(listed.map(|stored| merchant_to_wire(stored)))?;
        // The page may have ended before its size, so that what comes next is asked anew.
        let last = merchants.last().map(|last| id_from_name(&last.name, "name")).transpose()?;
        let next = last.filter(|last| snapshot.list(Some(last)).next().is_some());
        Ok(Response::new(ListMerchantsResponse {
            next_page_token: next
                .map(|id| service.tokens().seal(&Payload::from(&id), &query))
                .transpose()?
                .unwrap_or_default(),
            merchants,
        }))
    }

    async fn create_merchant(
        &self,
        request: Request<CreateMerchantRequest>,
    ) -> Result<Response<Merchant>, Status> {
        let CreateMerchantRequest { merchant, merchant_id } = request.into_inner();
        let merchant = required(merchant)?;
        let id = match (merchant_id.as_str(), merchant.name.as_str()) {
            ("", "") => id_from_wire(&Uuid::now_v7().to_string(), "merchant_id")?,
            ("", name) => id_from_name(name, "merchant.name")?,
            (id, name) => {
                let id = id_from_wire(id, "merchant_id")?;
                if !name.is_empty() && name != name_of(&id) {
                    return Err(ServiceError::invalid(
                        "merchant.name",
                        "NAME_MISMATCH",
                        "must be empty or agree with merchant_id",
                    )
                    .into());
                }
                id
            }
        };
        let merchant = merchant_from_wire(merchant, id, "merchant")?;
        respond(self.door.enter()?.put(merchant, Expect::Absent).await?.as_ref())
    }

    async fn update_merchant(
        &self,
        request: Request<UpdateMerchantRequest>,
    ) -> Result<Response<Merchant>, Status> {
        respond(update(&*self.door.enter()?, request.into_inner()).await?.as_ref())
    }

    async fn delete_merchant(
        &self,
        request: Request<DeleteMerchantRequest>,
    ) -> Result<Response<Empty>, Status> {
        let DeleteMerchantRequest { name, etag } = request.into_inner();
        let id = id_from_name(&name, "name")?;
        let service = self.door.enter()?;
        let version = match etag.as_str() {
            "" => None,
            etag => Some(revision_of(etag).ok_or_else(|| ServiceError::Conflict(id.clone()))?),
        };
        service.delete(id, version).await?;
        Ok(Response::new(Empty {}))
    }

    async fn import_merchants(
        &self,
        request: Request<Streaming<ImportMerchantsRequest>>,
    ) -> Result<Response<ImportMerchantsResponse>, Status> {
        Ok(Response::new(import(&*self.door.enter()?, request.into_inner()).await?))
    }
}

/// Reads, merges and puts back what was read; where somebody else was faster, does it again on top of theirs, unless
/// the caller said by an etag which version it means.
async fn update(
    service: &Service,
    request: UpdateMerchantRequest,
) -> Result<Arc<StoredMerchant>, ServiceError> {
    let given = required(request.merchant)?;
    let id = id_from_name(&given.name, "merchant.name")?;
    loop {
        let current = match service.get(&id) {
            Ok(current) => Some(current),
            Err(ServiceError::NotFound(_)) if request.allow_missing => None,
            Err(error) => return Err(error),
        };
        let etag_holds = given.etag.is_empty()
            || current.as_ref().is_some_and(|current| revision_of(&given.etag) == Some(current.revision));
        if !etag_holds {
            return Err(ServiceError::Conflict(id));
        }
        let (merged, expect) = match &current {
            None => (given.clone(), Expect::Absent),
            Some(current) => (
                merge(merchant_to_wire(current)?, given.clone(), request.update_mask.as_ref())?,
                Expect::Version(current.revision),
            ),
        };
        let merchant = merchant_from_wire(merged, id.clone(), "merchant")?;
        match service.put(merchant, expect).await {
            Err(ServiceError::Conflict(_)) if given.etag.is_empty() => {}
            Err(ServiceError::AlreadyExists(_) | ServiceError::NotFound(_)) if request.allow_missing => {}
            done => return done,
        }
    }
}

fn required(merchant: Option<Merchant>) -> Result<Merchant, ServiceError> {
    merchant.ok_or_else(|| ServiceError::invalid("merchant", "REQUIRED", "must be given"))
}

fn respond(stored: &StoredMerchant) -> Result<Response<Merchant>, Status> {
    Ok(Response::new(merchant_to_wire(stored)?))
}
