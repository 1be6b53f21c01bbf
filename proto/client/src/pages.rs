//! Iteration over paged responses.

use std::fmt;

use futures_util::{Stream, stream};
use nearby_proto::v1::{
    ListMerchantsRequest, ListMerchantsResponse, SearchNearbyRequest, SearchNearbyResponse,
};

use crate::{Client, error::ClientError};

/// Pages of a search or list, each requested when the previous one has been consumed.
///
/// Created by [`Client::search_pages`] and [`Client::list_merchants_pages`].
pub struct Pages<Q> {
    client: Client,
    /// Request for the next page; `None` after the last one.
    request: Option<Q>,
    /// Requested page size.
    page_size: i32,
    /// Results still wanted.
    remaining: usize,
}

impl<Q: PagedRequest> Pages<Q> {
    pub(crate) fn new(client: Client, mut request: Q, max_results: usize) -> Self {
        let page_size = match *request.page_size_mut() {
            0 => Q::MAX_PAGE_SIZE,
            size => size,
        };
        Self { client, request: Some(request), page_size, remaining: max_results }
    }

    /// Requests the next page; `None` after the last page, or once the maximum number of results is reached.
    ///
    /// # Errors
    ///
    /// The call failed. Calling this again requests the same page.
    pub async fn next_page(&mut self) -> Result<Option<Q::Page>, ClientError> {
        let Some(request) = self.request.as_mut().filter(|_| self.remaining > 0) else { return Ok(None) };
        let remaining = i32::try_from(self.remaining).unwrap_or(i32::MAX);
        *request.page_size_mut() = self.page_size.min(remaining);
        let mut page = request.clone().send(&self.client).await?;
        self.remaining -= Q::truncate(&mut page, self.remaining);
        match Q::next_page_token(&page) {
            "" => self.request = None,
            token => token.clone_into(request.page_token_mut()),
        }
        Ok(Some(page))
    }

    /// Converts into a stream of pages, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Q::Page, ClientError>> + Send {
        stream::try_unfold(self, |mut pages| async move {
            let page = pages.next_page().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }
}

/// Omits the request, which contains the position of a user.
impl<Q> fmt::Debug for Pages<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("remaining", &self.remaining).finish_non_exhaustive()
    }
}

/// A request with a paged response. Sealed: implemented by the requests of SearchNearby and ListMerchants only.
pub trait PagedRequest: sealed::PagedRequest {}

impl<Q: sealed::PagedRequest> PagedRequest for Q {}

mod sealed {
    use std::future::Future;

    use crate::{Client, error::ClientError};

    pub trait PagedRequest: Clone + Send + Sync {
        /// The response.
        type Page: Send;
        /// Maximum page size of the server.
        const MAX_PAGE_SIZE: i32;

        fn page_size_mut(&mut self) -> &mut i32;
        fn page_token_mut(&mut self) -> &mut String;
        fn send(self, client: &Client) -> impl Future<Output = Result<Self::Page, ClientError>> + Send;
        /// Truncates a page to `max_results` results; returns the number of results left.
        fn truncate(page: &mut Self::Page, max_results: usize) -> usize;
        fn next_page_token(page: &Self::Page) -> &str;
    }
}

macro_rules! paged_request {
    ($request:ident, $page:ident, $results:ident, $method:ident, $max_page_size:literal) => {
        impl sealed::PagedRequest for $request {
            type Page = $page;
            const MAX_PAGE_SIZE: i32 = $max_page_size;

            fn page_size_mut(&mut self) -> &mut i32 {
                &mut self.page_size
            }

            fn page_token_mut(&mut self) -> &mut String {
                &mut self.page_token
            }

            async fn send(self, client: &Client) -> Result<$page, ClientError> {
                client.$method(self).await
            }

            fn truncate(page: &mut $page, max_results: usize) -> usize {
                page.$results.truncate(max_results);
                page.$results.len()
            }

            fn next_page_token(page: &$page) -> &str {
                &page.next_page_token
            }
        }
    };
}

paged_request!(SearchNearbyRequest, SearchNearbyResponse, results, search_nearby, 500);
paged_request!(ListMerchantsRequest, ListMerchantsResponse, merchants, list_merchants, 1_000);
