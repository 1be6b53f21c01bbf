//! `nearby.v1.MerchantService`.
//!
//! | module | contents |
//! |---|---|
//! | `get`, `list` | merchants by name and by page |
//! | `write` | changes, single or in batches, all or none |
//! | `import` | many merchants, each on its own |
//! | `export`, `watch` | all merchants at one revision, and the changes from there on |
//! | `backup` | the contents of the store as a file |

mod backup;
mod export;
mod get;
mod import;
mod list;
mod watch;
mod write;

use std::{sync::Arc, time::Duration};

use nearby_index::UnixMicros;
use nearby_proto::{
    Encoded,
    server::merchant_service_server::MerchantService,
    v1::{
        ApproveMerchantRequest, BackUpMerchantsRequest, BackUpMerchantsResponse, BatchCreateMerchantsRequest,
        BatchCreateMerchantsResponse, BatchDeleteMerchantsRequest, BatchGetMerchantsRequest,
        BatchGetMerchantsResponse, BatchUpdateMerchantsRequest, BatchUpdateMerchantsResponse,
        CreateMerchantRequest, DeleteMerchantRequest, ExportMerchantsRequest, ExportMerchantsResponse,
        GetMerchantRequest, HideMerchantRequest, ImportMerchantsRequest, ImportMerchantsResponse,
        ListMerchantsRequest, ListMerchantsResponse, Merchant, RejectMerchantRequest, ShowMerchantRequest,
        UpdateMerchantRequest, WatchMerchantsRequest, WatchMerchantsResponse,
    },
    well_known::Empty,
};
use tonic::{Request, Response, Status, Streaming};

use self::write::{Change, WriteRequest};
use super::{convert::id_from_name, request_context::RequestContext, streaming::ResponseStream};
use crate::{
    auth::role::Role, clock::Clock, error::ServiceError, merchant_scope::MerchantScope,
    service::ServiceHandle,
};

/// The service.
#[derive(Clone)]
pub(crate) struct MerchantServiceImpl {
    pub(crate) handle: ServiceHandle,
    pub(crate) watch_send_timeout: Duration,
    /// True if callers without the role `manage` see labels and external ids.
    pub(crate) exposes_internal: bool,
    pub(crate) clock: Clock,
}

/// The merchants and fields that a caller may read, at the time of the call.
#[derive(Clone, Debug)]
struct ReadAccess {
    /// The merchants that the caller is limited to; `None` for all.
    scope: Option<Arc<MerchantScope>>,
    /// Merchants that searches do not return.
    hidden: bool,
    /// Labels and external ids.
    internal: bool,
    now: UnixMicros,
}

impl MerchantServiceImpl {
    fn read_access(&self, context: &RequestContext) -> ReadAccess {
        let is_manager = context.has(Role::Manage);
        ReadAccess {
            scope: context.scope().cloned(),
            hidden: is_manager || context.has(Role::Review),
            internal: is_manager || self.exposes_internal,
            now: (self.clock)(),
        }
    }
}

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl MerchantService for MerchantServiceImpl {
    type BackUpMerchantsStream = ResponseStream<Encoded<BackUpMerchantsResponse>>;
    type ExportMerchantsStream = ResponseStream<Encoded<ExportMerchantsResponse>>;
    type WatchMerchantsStream = ResponseStream<Encoded<WatchMerchantsResponse>>;

    async fn get_merchant(&self, request: Request<GetMerchantRequest>) -> Reply<Encoded<Merchant>> {
        let id = id_from_name(&request.get_ref().name, "name")?;
        let stored = self.handle.service()?.get(&id)?;
        let context = RequestContext::of(&request);
        let access = self.read_access(&context);
        if !access.may_read(&stored) {
            return Err(ServiceError::NotFound(id).into());
        }
        Ok(Response::new(get::one(&stored, &access)))
    }

    async fn batch_get_merchants(
        &self,
        request: Request<BatchGetMerchantsRequest>,
    ) -> Reply<Encoded<BatchGetMerchantsResponse>> {
        let context = RequestContext::of(&request);
        Ok(Response::new(get::batch(
            &*self.handle.service()?,
            request.get_ref(),
            (&context, &self.read_access(&context)),
        )?))
    }

    async fn list_merchants(
        &self,
        request: Request<ListMerchantsRequest>,
    ) -> Reply<Encoded<ListMerchantsResponse>> {
        let context = RequestContext::of(&request);
        let access = self.read_access(&context);
        Ok(Response::new(list::list(&*self.handle.service()?, request.get_ref(), (&context, access)).await?))
    }

    async fn create_merchant(&self, request: Request<CreateMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Create(request.into_inner())).await
    }

    async fn update_merchant(&self, request: Request<UpdateMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Update(request.into_inner())).await
    }

    async fn delete_merchant(&self, request: Request<DeleteMerchantRequest>) -> Reply<Empty> {
        let context = RequestContext::of(&request);
        WriteRequest::one(Change::Delete(request.into_inner()))?
            .commit(&*self.handle.service()?, &context)
            .await?;
        Ok(Response::new(Empty {}))
    }

    async fn show_merchant(&self, request: Request<ShowMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Show(request.into_inner())).await
    }

    async fn hide_merchant(&self, request: Request<HideMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Hide(request.into_inner())).await
    }

    async fn approve_merchant(&self, request: Request<ApproveMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Approve(request.into_inner())).await
    }

    async fn reject_merchant(&self, request: Request<RejectMerchantRequest>) -> Reply<Encoded<Merchant>> {
        self.change_one(RequestContext::of(&request), Change::Reject(request.into_inner())).await
    }

    async fn batch_create_merchants(
        &self,
        request: Request<BatchCreateMerchantsRequest>,
    ) -> Reply<Encoded<BatchCreateMerchantsResponse>> {
        let context = RequestContext::of(&request);
        let BatchCreateMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Create).collect();
        let changes = WriteRequest::many("BatchCreateMerchants", changes, &request_id, validate_only).await?;
        Ok(Response::new(write::merchants_response(
            &changes.commit(&*self.handle.service()?, &context).await?,
        )))
    }

    async fn batch_update_merchants(
        &self,
        request: Request<BatchUpdateMerchantsRequest>,
    ) -> Reply<Encoded<BatchUpdateMerchantsResponse>> {
        let context = RequestContext::of(&request);
        let BatchUpdateMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Update).collect();
        let changes = WriteRequest::many("BatchUpdateMerchants", changes, &request_id, validate_only).await?;
        Ok(Response::new(write::merchants_response(
            &changes.commit(&*self.handle.service()?, &context).await?,
        )))
    }

    async fn batch_delete_merchants(&self, request: Request<BatchDeleteMerchantsRequest>) -> Reply<Empty> {
        let context = RequestContext::of(&request);
        let BatchDeleteMerchantsRequest { requests, request_id, validate_only } = request.into_inner();
        let changes = requests.into_iter().map(Change::Delete).collect();
        let changes = WriteRequest::many("BatchDeleteMerchants", changes, &request_id, validate_only).await?;
        changes.commit(&*self.handle.service()?, &context).await?;
        Ok(Response::new(Empty {}))
    }

    async fn import_merchants(
        &self,
        request: Request<Streaming<ImportMerchantsRequest>>,
    ) -> Reply<ImportMerchantsResponse> {
        let context = RequestContext::of(&request);
        let imported = import::import(&*self.handle.service()?, request.into_inner(), &context).await?;
        Ok(Response::new(imported))
    }

    async fn export_merchants(
        &self,
        request: Request<ExportMerchantsRequest>,
    ) -> Reply<Self::ExportMerchantsStream> {
        let context = RequestContext::of(&request);
        let service = self.handle.service()?;
        let now = (self.clock)();
        Ok(Response::new(export::export(&service, request.get_ref(), (self.handle.clone(), &context), now)?))
    }

    async fn watch_merchants(
        &self,
        request: Request<WatchMerchantsRequest>,
    ) -> Reply<Self::WatchMerchantsStream> {
        let context = RequestContext::of(&request);
        let service = self.handle.service()?;
        let scope = (self.handle.clone(), &context);
        let watching = watch::watch(service, request.get_ref(), scope, self.watch_send_timeout);
        Ok(Response::new(watching.await?))
    }

    async fn back_up_merchants(
        &self,
        request: Request<BackUpMerchantsRequest>,
    ) -> Reply<Self::BackUpMerchantsStream> {
        let charges = RequestContext::of(&request).charges;
        let service = self.handle.service()?;
        let backup = backup::back_up(&service, (self.handle.clone(), charges), self.watch_send_timeout);
        Ok(Response::new(backup.await?))
    }
}

/// Checks a creation, for fuzzing.
pub(super) fn check_create(given: CreateMerchantRequest) {
    drop(WriteRequest::one(Change::Create(given)));
}

/// Checks an update, for fuzzing.
pub(super) fn check_update(given: UpdateMerchantRequest) {
    drop(WriteRequest::one(Change::Update(given)));
}

impl MerchantServiceImpl {
    async fn change_one(&self, context: RequestContext, change: Change) -> Reply<Encoded<Merchant>> {
        let result = WriteRequest::one(change)?.commit(&*self.handle.service()?, &context).await?;
        let shows_internal = self.read_access(&context).internal;
        Ok(Response::new(write::merchant_response(&result, shows_internal)?))
    }
}
