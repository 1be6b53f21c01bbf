//! `nearby.v1.MerchantService`.
//!
//! | module | what it is |
//! |---|---|
//! | `read` | merchants by name and by page |
//! | `write` | changes, one or many, all or none |
//! | `import` | many rows, each on its own |
//! | `back_up` | all that is kept, as a file |
//! | `follow` | all merchants at one revision, and changes from there on |

mod backup;
mod import;
mod read;
mod watch;
mod write;

use std::time::Duration;

use nearby_proto::{
    Encoded,
    server::merchant_service_server::MerchantService,
    v1::{
        BackUpMerchantsRequest, BackUpMerchantsResponse, BatchCreateMerchantsRequest,
        BatchCreateMerchantsResponse, BatchDeleteMerchantsRequest, BatchGetMerchantsRequest,
        BatchGetMerchantsResponse, BatchUpdateMerchantsRequest, BatchUpdateMerchantsResponse,
        CreateMerchantRequest, DeleteMerchantRequest, ExportMerchantsRequest, ExportMerchantsResponse,
        GetMerchantRequest, HideMerchantRequest, ImportMerchantsRequest, ImportMerchantsResponse,
        ListMerchantsRequest, ListMerchantsResponse, Merchant, ShowMerchantRequest, UpdateMerchantRequest,
        WatchMerchantsRequest, WatchMerchantsResponse,
    },
    well_known::Empty,
};
use tonic::{Request, Response, Status, Streaming};

use self::write::{Asked, Change};
use super::{
    convert::id_from_name, method::Class, middleware::deadline::Deadline, request_context::Asker,
    streaming::AnswerStream,
};
use crate::overload::work_queue::Turns;
use crate::{error::ServiceError, service::Door};

/// Keeps the merchants.
#[derive(Clone, Debug)]
pub(crate) struct Merchants {
    pub(crate) door: Door,
    pub(crate) watch_patience: Duration,
    /// Turns for what is bulk, and for what turns out to be long.
    pub(crate) bulk: Turns,
    pub(crate) long: Turns,
}

type Answer<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MerchantService for Merchants {
    type BackUpMerchantsStream = AnswerStream<Encoded<BackUpMerchantsResponse>>;
    type ExportMerchantsStream = AnswerStream<Encoded<ExportMerchantsResponse>>;
    type WatchMerchantsStream = AnswerStream<Encoded<WatchMerchantsResponse>>;

    async fn get_merchant(&self, request: Request<GetMerchantRequest>) -> Answer<Encoded<Merchant>> {
        let id = id_from_name(&request.get_ref().name, "name")?;
        let stored = self.door.enter()?.get(&id)?;
        if !read::may_read(&stored, &Asker::of(&request)) {
            return Err(ServiceError::NotFound(id).into());
        }
        Ok(Response::new(Encoded::from_bytes(stored.merchant.profile.full().concat())))
    }

    async fn batch_get_merchants(
        &self,
        request: Request<BatchGetMerchantsRequest>,
    ) -> Answer<Encoded<BatchGetMerchantsResponse>> {
        let asker = Asker::of(&request);
        let _turn = self.bulk.take(Some(Class::Bulk)).await?;
        Ok(Response::new(read::batch(&*self.door.enter()?, request.get_ref(), &asker)?))
    }

    async fn list_merchants(
        &self,
        request: Request<ListMerchantsRequest>,
    ) -> Answer<Encoded<ListMerchantsResponse>> {
        let _turn = self.bulk.take(Some(Class::Bulk)).await?;
        let when = (&self.long, Deadline::of(&request));
        Ok(Response::new(read::list(&*self.door.enter()?, request.get_ref(), when).await?))
    }

    async fn create_merchant(&self, request: Request<CreateMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.change_one(Asker::of(&request), Change::Create(request.into_inner())).await
    }

    async fn update_merchant(&self, request: Request<UpdateMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.change_one(Asker::of(&request), Change::Update(request.into_inner())).await
    }

    async fn delete_merchant(&self, request: Request<DeleteMerchantRequest>) -> Answer<Empty> {
        let asker = Asker::of(&request);
        Asked::one(Change::Delete(request.into_inner()))?.make(&*self.door.enter()?, &asker).await?;
        Ok(Response::new(Empty {}))
    }

    async fn show_merchant(&self, request: Request<ShowMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.change_one(Asker::of(&request), Change::Show(request.into_inner())).await
    }

    async fn hide_merchant(&self, request: Request<HideMerchantRequest>) -> Answer<Encoded<Merchant>> {
        self.change_one(Asker::of(&request), Change::Hide(request.into_inner())).await
    }

    async fn batch_create_merchants(
        &self,
        request: Request<BatchCreateMerchantsRequest>,
    ) -> Answer<Encoded<BatchCreateMerchantsResponse>> {
        let asker = Asker::of(&request);
        let BatchCreateMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Create).collect();
        let asked = Asked::many("BatchCreateMerchants", changes, &request_id, validate_only)?;
        Ok(Response::new(write::merchants(&asked.make(&*self.door.enter()?, &asker).await?)))
    }

    async fn batch_update_merchants(
        &self,
        request: Request<BatchUpdateMerchantsRequest>,
    ) -> Answer<Encoded<BatchUpdateMerchantsResponse>> {
        let asker = Asker::of(&request);
        let BatchUpdateMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Update).collect();
        let asked = Asked::many("BatchUpdateMerchants", changes, &request_id, validate_only)?;
        Ok(Response::new(write::merchants(&asked.make(&*self.door.enter()?, &asker).await?)))
    }

    async fn batch_delete_merchants(&self, request: Request<BatchDeleteMerchantsRequest>) -> Answer<Empty> {
        let asker = Asker::of(&request);
        let BatchDeleteMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Delete).collect();
        let asked = Asked::many("BatchDeleteMerchants", changes, &request_id, validate_only)?;
        asked.make(&*self.door.enter()?, &asker).await?;
        Ok(Response::new(Empty {}))
    }

    async fn import_merchants(
        &self,
        request: Request<Streaming<ImportMerchantsRequest>>,
    ) -> Answer<ImportMerchantsResponse> {
        let asker = Asker::of(&request);
        let imported = import::import(&*self.door.enter()?, request.into_inner(), &asker).await?;
        Ok(Response::new(imported))
    }

    async fn export_merchants(
        &self,
        request: Request<ExportMerchantsRequest>,
    ) -> Answer<Self::ExportMerchantsStream> {
        let service = self.door.enter()?;
        Ok(Response::new(watch::export(&service, request.get_ref(), self.door.clone())?))
    }

    async fn watch_merchants(
        &self,
        request: Request<WatchMerchantsRequest>,
    ) -> Answer<Self::WatchMerchantsStream> {
        let service = self.door.enter()?;
        let watching = watch::watch(service, request.get_ref(), self.door.clone(), self.watch_patience);
        Ok(Response::new(watching.await?))
    }

    async fn back_up_merchants(
        &self,
        _: Request<BackUpMerchantsRequest>,
    ) -> Answer<Self::BackUpMerchantsStream> {
        let service = self.door.enter()?;
        let backup = backup::back_up(&service, self.door.clone(), self.watch_patience);
        Ok(Response::new(backup.await?))
    }
}

/// Checks what to create, and no more.
pub(super) fn check_create(given: CreateMerchantRequest) {
    drop(Asked::one(Change::Create(given)));
}

/// Checks what to update, and what it would make of nothing.
pub(super) fn check_update(given: UpdateMerchantRequest) {
    drop(Asked::one(Change::Update(given)).map(Asked::try_on_nothing));
}

impl Merchants {
    async fn change_one(&self, asker: Asker, change: Change) -> Answer<Encoded<Merchant>> {
        let made = Asked::one(change)?.make(&*self.door.enter()?, &asker).await?;
        Ok(Response::new(write::merchant(&made)?))
    }
}
