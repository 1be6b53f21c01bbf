//! Methods of `NearbyService`.

use futures_util::Stream;
use nearby_proto::v1::{
    BatchSearchNearbyRequest, BatchSearchNearbyResponse, GetDensityRequest, GetDensityResponse,
    SearchNearbyRequest, SearchNearbyResponse, StreamSearchNearbyRequest, StreamSearchNearbyResponse,
    WatchNearbyRequest, WatchNearbyResponse, WatchNearbyStart,
};

use crate::{Client, Pages, ResponseStream, error::ClientError, method::Method};

impl Client {
    /// Lists the merchants within a radius of a point, nearest first.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `SearchNearby`.
    pub async fn search_nearby(
        &self,
        request: SearchNearbyRequest,
    ) -> Result<SearchNearbyResponse, ClientError> {
        self.read(Method::SearchNearby, request).await
    }

    /// Searches page by page, up to `max_results` results. Pages have the maximum size of the server unless the request
    /// sets `page_size`. Each page is a call with its own deadline.
    #[must_use]
    pub fn search_pages(
        &self,
        request: SearchNearbyRequest,
        max_results: usize,
    ) -> Pages<SearchNearbyRequest> {
        Pages::new(self.clone(), request, max_results)
    }

    /// Runs many searches at one revision. The response has the outcome of each: the status of a failed one converts
    /// into a [`ClientError`].
    ///
    /// # Errors
    ///
    /// As documented in the contract for `BatchSearchNearby`.
    pub async fn batch_search_nearby(
        &self,
        request: BatchSearchNearbyRequest,
    ) -> Result<BatchSearchNearbyResponse, ClientError> {
        self.read(Method::BatchSearchNearby, request).await
    }

    /// Answers searches as they arrive. Never retried, and without a deadline.
    ///
    /// # Errors
    ///
    /// The stream could not be opened. A search that fails later does not end the stream.
    pub async fn stream_search_nearby(
        &self,
        requests: impl Stream<Item = StreamSearchNearbyRequest> + Send + 'static,
    ) -> Result<ResponseStream<StreamSearchNearbyResponse>, ClientError> {
        self.bidirectional_streaming(Method::StreamSearchNearby, requests).await
    }

    /// Watches the merchants nearest to the client. Never retried, and without a deadline.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `WatchNearby`.
    pub async fn watch_nearby(
        &self,
        steps: impl Stream<Item = WatchNearbyRequest> + Send + 'static,
    ) -> Result<ResponseStream<WatchNearbyResponse>, ClientError> {
        self.bidirectional_streaming(Method::WatchNearby, steps).await
    }

    /// Watches the merchants nearest to a fixed point. Never retried, and without a deadline.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `WatchNearbyFrom`.
    pub async fn watch_nearby_from(
        &self,
        start: WatchNearbyStart,
    ) -> Result<ResponseStream<WatchNearbyResponse>, ClientError> {
        self.server_streaming(Method::WatchNearbyFrom, start).await
    }

    /// Counts merchants by H3 cell.
    ///
    /// # Errors
    ///
    /// As documented in the contract for `GetDensity`.
    pub async fn get_density(&self, request: GetDensityRequest) -> Result<GetDensityResponse, ClientError> {
        self.read(Method::GetDensity, request).await
    }
}
