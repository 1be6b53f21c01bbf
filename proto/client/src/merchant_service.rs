//! What to ask the `MerchantService`.

use futures_util::Stream;
use nearby_proto::{
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

use crate::{Answers, Client, Pages, error::ClientError, method::Method};

/// Reads.
impl Client {
    /// Reads one merchant.
    ///
    /// # Errors
    ///
    /// As the contract says of `GetMerchant`.
    pub async fn get_merchant(&self, request: GetMerchantRequest) -> Result<Merchant, ClientError> {
        self.read(Method::GetMerchant, request).await
    }

    /// Reads merchants by name at one revision.
    ///
    /// # Errors
    ///
    /// As the contract says of `BatchGetMerchants`.
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
    /// As the contract says of `ListMerchants`.
    pub async fn list_merchants(
        &self,
        request: ListMerchantsRequest,
    ) -> Result<ListMerchantsResponse, ClientError> {
        self.read(Method::ListMerchants, request).await
    }

    /// The same page by page, until there have been so many merchants or no more. Pages are as large as a server gives
    /// them, unless the request says otherwise. Each page is a call with a deadline of its own.
    #[must_use]
    pub fn list_merchants_pages(
        &self,
        request: ListMerchantsRequest,
        most: usize,
    ) -> Pages<ListMerchantsRequest> {
        Pages::new(self.clone(), request, most)
    }
}

/// Changes. Each goes with a request id, a fresh one where the request has none, so that it can be sent again.
impl Client {
    /// Stores a new merchant.
    ///
    /// # Errors
    ///
    /// As the contract says of `CreateMerchant`.
    pub async fn create_merchant(&self, request: CreateMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::CreateMerchant, request).await
    }

    /// Changes a merchant, whole or by field mask.
    ///
    /// # Errors
    ///
    /// As the contract says of `UpdateMerchant`.
    pub async fn update_merchant(&self, request: UpdateMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::UpdateMerchant, request).await
    }

    /// Removes a merchant.
    ///
    /// # Errors
    ///
    /// As the contract says of `DeleteMerchant`.
    pub async fn delete_merchant(&self, request: DeleteMerchantRequest) -> Result<(), ClientError> {
        self.write(Method::DeleteMerchant, request).await.map(|Empty {}| ())
    }

    /// Lets searches find a merchant.
    ///
    /// # Errors
    ///
    /// As the contract says of `ShowMerchant`.
    pub async fn show_merchant(&self, request: ShowMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::ShowMerchant, request).await
    }

    /// Lets no search find a merchant, and keeps it.
    ///
    /// # Errors
    ///
    /// As the contract says of `HideMerchant`.
    pub async fn hide_merchant(&self, request: HideMerchantRequest) -> Result<Merchant, ClientError> {
        self.write(Method::HideMerchant, request).await
    }

    /// Stores new merchants, all or none.
    ///
    /// # Errors
    ///
    /// As the contract says of `BatchCreateMerchants`.
    pub async fn batch_create_merchants(
        &self,
        request: BatchCreateMerchantsRequest,
    ) -> Result<BatchCreateMerchantsResponse, ClientError> {
        self.write(Method::BatchCreateMerchants, request).await
    }

    /// Changes merchants, all or none.
    ///
    /// # Errors
    ///
    /// As the contract says of `BatchUpdateMerchants`.
    pub async fn batch_update_merchants(
        &self,
        request: BatchUpdateMerchantsRequest,
    ) -> Result<BatchUpdateMerchantsResponse, ClientError> {
        self.write(Method::BatchUpdateMerchants, request).await
    }

    /// Removes merchants, all or none.
    ///
    /// # Errors
    ///
    /// As the contract says of `BatchDeleteMerchants`.
    pub async fn batch_delete_merchants(
        &self,
        request: BatchDeleteMerchantsRequest,
    ) -> Result<(), ClientError> {
        self.write(Method::BatchDeleteMerchants, request).await.map(|Empty {}| ())
    }
}

/// Streams. Never repeated.
impl Client {
    /// Stores many merchants, each on its own. The deadline runs while the caller makes the rows, too.
    ///
    /// # Errors
    ///
    /// As the contract says of `ImportMerchants`: some of the rows may have been stored, and sending them all again is
    /// safe.
    pub async fn import_merchants(
        &self,
        requests: impl Stream<Item = ImportMerchantsRequest> + Send + 'static,
    ) -> Result<ImportMerchantsResponse, ClientError> {
        self.send_all(Method::ImportMerchants, requests).await
    }

    /// Sends all merchants as they were at one revision. Without a deadline.
    ///
    /// # Errors
    ///
    /// As the contract says of `ExportMerchants`.
    pub async fn export_merchants(
        &self,
        request: ExportMerchantsRequest,
    ) -> Result<Answers<ExportMerchantsResponse>, ClientError> {
        self.receive(Method::ExportMerchants, request).await
    }

    /// Sends changes as they are made. Without a deadline.
    ///
    /// # Errors
    ///
    /// As the contract says of `WatchMerchants`.
    pub async fn watch_merchants(
        &self,
        request: WatchMerchantsRequest,
    ) -> Result<Answers<WatchMerchantsResponse>, ClientError> {
        self.receive(Method::WatchMerchants, request).await
    }

    /// Sends a backup as of one revision, to be written into a file. Without a deadline.
    ///
    /// # Errors
    ///
    /// As the contract says of `BackUpMerchants`.
    pub async fn back_up_merchants(
        &self,
        request: BackUpMerchantsRequest,
    ) -> Result<Answers<BackUpMerchantsResponse>, ClientError> {
        self.receive(Method::BackUpMerchants, request).await
    }
}
