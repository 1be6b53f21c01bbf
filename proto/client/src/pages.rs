//! Answers that come in pages.

use std::fmt;

use futures_util::{Stream, stream};
use nearby_proto::v1::{
    ListMerchantsRequest, ListMerchantsResponse, SearchNearbyRequest, SearchNearbyResponse,
};

use crate::{Client, error::ClientError};

/// The pages of one question, each asked for when the one before has been taken.
///
/// Made by [`Client::search_pages`] and [`Client::list_merchants_pages`].
pub struct Pages<Q> {
    client: Client,
    /// As the next page is asked for; nothing after the last one.
    request: Option<Q>,
    /// What the caller wants of each page.
    page_size: i32,
    /// How many more results the caller wants.
    left: usize,
}

impl<Q: Paged> Pages<Q> {
    pub(crate) fn new(client: Client, mut request: Q, most: usize) -> Self {
        let page_size = match *request.page_size_mut() {
            0 => Q::MOST_A_PAGE,
            said => said,
        };
        Self { client, request: Some(request), page_size, left: most }
    }

    /// Asks for the next page; nothing after the last one, or when there have been as many results as were wanted.
    ///
    /// # Errors
    ///
    /// The call failed. Asked again, this asks for the same page.
    pub async fn next_page(&mut self) -> Result<Option<Q::Page>, ClientError> {
        let Some(request) = self.request.as_mut().filter(|_| self.left > 0) else { return Ok(None) };
        let left = i32::try_from(self.left).unwrap_or(i32::MAX);
        *request.page_size_mut() = self.page_size.min(left);
        let mut page = request.clone().ask(&self.client).await?;
        self.left -= Q::keep(&mut page, self.left);
        match Q::next_page_token(&page) {
            "" => self.request = None,
            token => token.clone_into(request.page_token_mut()),
        }
        Ok(Some(page))
    }

    /// The pages as a stream, which ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Q::Page, ClientError>> + Send {
        stream::try_unfold(self, |mut pages| async move {
            let page = pages.next_page().await?;
            Ok(page.map(|page| (page, pages)))
        })
    }
}

/// Without the request, which holds a user's position.
impl<Q> fmt::Debug for Pages<Q> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("left", &self.left).finish_non_exhaustive()
    }
}

/// A request that is answered in pages. There are two; no other crate can add one.
pub trait Paged: sealed::Paged {}

impl<Q: sealed::Paged> Paged for Q {}

mod sealed {
    use std::future::Future;

    use crate::{Client, error::ClientError};

    pub trait Paged: Clone + Send + Sync {
        /// An answer.
        type Page: Send;
        /// The largest page that a server gives.
        const MOST_A_PAGE: i32;

        fn page_size_mut(&mut self) -> &mut i32;
        fn page_token_mut(&mut self) -> &mut String;
        fn ask(self, client: &Client) -> impl Future<Output = Result<Self::Page, ClientError>> + Send;
        /// Leaves at most so many results in a page, and says how many there are.
        fn keep(page: &mut Self::Page, most: usize) -> usize;
        fn next_page_token(page: &Self::Page) -> &str;
    }
}

macro_rules! paged {
    ($request:ident, $page:ident, $results:ident, $method:ident, $most:literal) => {
        impl sealed::Paged for $request {
            type Page = $page;
            const MOST_A_PAGE: i32 = $most;

            fn page_size_mut(&mut self) -> &mut i32 {
                &mut self.page_size
            }

            fn page_token_mut(&mut self) -> &mut String {
                &mut self.page_token
            }

            async fn ask(self, client: &Client) -> Result<$page, ClientError> {
                client.$method(self).await
            }

            fn keep(page: &mut $page, most: usize) -> usize {
                page.$results.truncate(most);
                page.$results.len()
            }

            fn next_page_token(page: &$page) -> &str {
                &page.next_page_token
            }
        }
    };
}

paged!(SearchNearbyRequest, SearchNearbyResponse, results, search_nearby, 500);
paged!(ListMerchantsRequest, ListMerchantsResponse, merchants, list_merchants, 1_000);
