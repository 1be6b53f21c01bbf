//! Methods of `MerchantService`.

use futures_util::Stream;
use nearby_proto::{
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

use crate::{Client, Pages, ResponseStream, error::ClientError, method::Method};

/// Reads, retried as the service config allows.
impl Client {
    /// Returns one merchant.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `GetMerchant`.
    pub async fn get_merchant(&self, request: GetMerchantRequest) -> Result<Merchant, ClientError> {
        self.read(Method::GetMerchant, request).await
    }

    /// Returns merchants by name as of one revision.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BatchGetMerchants`.
    pub async fn batch_get_merchants(
        &self,
        request: BatchGetMerchantsRequest,
    ) -> Result<BatchGetMerchantsResponse, ClientError> {
        self.read(Method::BatchGetMerchants, request).await
    }

    /// Lists merchants by id.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `ListMerchants`.
    pub async fn list_merchants(
        &self,
        request: ListMerchantsRequest,
    ) -> Result<ListMerchantsResponse, ClientError> {
        self.read(Method::ListMerchants, request).await
    }

    /// Lists merchants page by page, up to `max_results` merchants. Pages have the maximum size of the server unless
    /// the request sets `page_size`. Each page is a call with its own deadline.
    #[must_use]
    pub fn list_merchants_pages(
        &self,
        request: ListMerchantsRequest,
        max_results: usize,
    ) -> Pages<ListMerchantsRequest> {
        Pages::new(self.clone(), request, max_results)
    }
}

/// Writes. Each has a request id, generated if the request has none, so that it can be retried.
impl Client {
    /// Creates a merchant.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `CreateMerchant`.
    pub async fn create_merchant(&self, request: CreateMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::CreateMerchant, request).await
    }

    /// Updates a merchant, as a whole or by field mask.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `UpdateMerchant`.
    pub async fn update_merchant(&self, request: UpdateMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::UpdateMerchant, request).await
    }

    /// Deletes a merchant.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `DeleteMerchant`.
    pub async fn delete_merchant(&self, request: DeleteMerchantRequest) -> Result<(), ClientError> {
        self.write(Method::DeleteMerchant, request).await.map(|Empty {}| ())
    }

    /// Makes a merchant visible to searches.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `ShowMerchant`.
    pub async fn show_merchant(&self, request: ShowMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::ShowMerchant, request).await
    }

    /// Hides a merchant from searches without deleting it.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `HideMerchant`.
    pub async fn hide_merchant(&self, request: HideMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::HideMerchant, request).await
    }

    /// Approves a merchant, so that searches return it.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `ApproveMerchant`.
    pub async fn approve_merchant(&self, request: ApproveMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::ApproveMerchant, request).await
    }

    /// Rejects a merchant, so that searches do not return it.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `RejectMerchant`.
    pub async fn reject_merchant(&self, request: RejectMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::RejectMerchant, request).await
    }

    /// Creates merchants atomically: all or none.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BatchCreateMerchants`.
    pub async fn batch_create_merchants(
        &self,
        request: BatchCreateMerchantsRequest,
    ) -> Result<BatchCreateMerchantsResponse, ClientError> {
        self.write(Method::BatchCreateMerchants, request).await
    }

    /// Updates merchants atomically: all or none.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BatchUpdateMerchants`.
    pub async fn batch_update_merchants(
        &self,
        request: BatchUpdateMerchantsRequest,
    ) -> Result<BatchUpdateMerchantsResponse, ClientError> {
        self.write(Method::BatchUpdateMerchants, request).await
    }

    /// Deletes merchants atomically: all or none.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BatchDeleteMerchants`.
    pub async fn batch_delete_merchants(
        &self,
        request: BatchDeleteMerchantsRequest,
    ) -> Result<(), ClientError> {
        self.write(Method::BatchDeleteMerchants, request).await.map(|Empty {}| ())
    }
}

/// Streaming calls, which are never retried.
impl Client {
    /// Creates or replaces many merchants, each row independently. The deadline includes the time in which the request
    /// stream produces the rows.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `ImportMerchants`. Some of the rows may have been stored;
    /// sending all of them again is safe.
    pub async fn import_merchants(
        &self,
        requests: impl Stream<Item = ImportMerchantsRequest> + Send + 'static,
    ) -> Result<ImportMerchantsResponse, ClientError> {
        self.client_streaming(Method::ImportMerchants, requests).await
    }

    /// Streams all merchants as of one revision. Without a deadline.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `ExportMerchants`.
    pub async fn export_merchants(
        &self,
        request: ExportMerchantsRequest,
    ) -> Result<ResponseStream<ExportMerchantsResponse>, ClientError> {
        self.server_streaming(Method::ExportMerchants, request).await
    }

    /// Streams changes as they are committed. Without a deadline.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `WatchMerchants`.
    pub async fn watch_merchants(
        &self,
        request: WatchMerchantsRequest,
    ) -> Result<ResponseStream<WatchMerchantsResponse>, ClientError> {
        self.server_streaming(Method::WatchMerchants, request).await
    }

    /// Streams a backup as of one revision, to be written to a file. Without a deadline.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BackUpMerchants`.
    pub async fn back_up_merchants(
        &self,
        request: BackUpMerchantsRequest,
    ) -> Result<ResponseStream<BackUpMerchantsResponse>, ClientError> {
        self.server_streaming(Method::BackUpMerchants, request).await
    }
}
