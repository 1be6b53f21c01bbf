//! What to ask the `NearbyService`.

use futures_util::Stream;
use nearby_proto::v1::{
    BatchSearchNearbyRequest, BatchSearchNearbyResponse, GetDensityRequest, GetDensityResponse,
    SearchNearbyRequest, SearchNearbyResponse, StreamSearchNearbyRequest, StreamSearchNearbyResponse,
    WatchNearbyRequest, WatchNearbyResponse,
};

use crate::{Answers, Client, Pages, error::ClientError, method::Method};

impl Client {
    /// Lists the merchants within a radius of a point, nearest first.
    ///
    /// # Errors
    ///
    /// As the contract says of `SearchNearby`.
    pub async fn search_nearby(
        &self,
        request: SearchNearbyRequest,
    ) -> Result<SearchNearbyResponse, ClientError> {
        self.read(Method::SearchNearby, request).await
    }

    /// The same page by page, until there have been so many results or no more. Pages are as large as a server gives
    /// them, unless the request says otherwise. Each page is a call with a deadline of its own.
    #[must_use]
    pub fn search_pages(&self, request: SearchNearbyRequest, most: usize) -> Pages<SearchNearbyRequest> {
        Pages::new(self.clone(), request, most)
    }

    /// Answers many searches at one revision. What became of each is in the answer:
    /// [`ClientError`] can be made from the status of one that failed.
    ///
    /// # Errors
    ///
    /// As the contract says of `BatchSearchNearby`.
    pub async fn batch_search_nearby(
        &self,
        request: BatchSearchNearbyRequest,
    ) -> Result<BatchSearchNearbyResponse, ClientError> {
        self.read(Method::BatchSearchNearby, request).await
    }

    /// Answers searches as they come. Never repeated, and without a deadline.
    ///
    /// # Errors
    ///
    /// The stream cannot be opened. A search that fails later does so alone.
    pub async fn stream_search_nearby(
        &self,
        requests: impl Stream<Item = StreamSearchNearbyRequest> + Send + 'static,
    ) -> Result<Answers<StreamSearchNearbyResponse>, ClientError> {
        self.converse(Method::StreamSearchNearby, requests).await
    }

    /// Keeps the caller informed of the merchants nearest to it. Never repeated, and without a deadline.
    ///
    /// # Errors
    ///
    /// As the contract says of `WatchNearby`.
    pub async fn watch_nearby(
        &self,
        steps: impl Stream<Item = WatchNearbyRequest> + Send + 'static,
    ) -> Result<Answers<WatchNearbyResponse>, ClientError> {
        self.converse(Method::WatchNearby, steps).await
    }

    /// Counts merchants by H3 cell.
    ///
    /// # Errors
    ///
    /// As the contract says of `GetDensity`.
    pub async fn get_density(&self, request: GetDensityRequest) -> Result<GetDensityResponse, ClientError> {
        self.read(Method::GetDensity, request).await
    }
}
