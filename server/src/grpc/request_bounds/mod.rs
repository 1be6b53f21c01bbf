//! Bounds the number of messages within a request before it is decoded.
//!
//! An empty message takes 2 bytes of a request and hundreds of memory: without a bound, 4 MiB of empty searches decode to 0.8 GB, before
//! the handler can count them. Only methods whose requests may be large are scanned; at 128 KiB, decoding needs at most a few megabytes.

mod scanner;
mod schema;

use std::{
    error::Error,
    pin::Pin,
    sync::LazyLock,
    task::{Context, Poll, ready},
};

use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use prost::bytes::Bytes;
use tonic::Status;

use self::{
    scanner::{Excess, Scanner},
    schema::Schema,
};
use super::{
    convert::{
        MAX_CHANGES, MAX_MASKS_PER_MESSAGE, MAX_NAMES, MAX_ROWS_PER_MESSAGE, MAX_SEARCHES, too_many_elements,
        too_many_in_message,
    },
    method::{MAX_MESSAGE_BYTES, METHODS, Method, Route},
};
use crate::{error::ServiceError, reason};

/// Messages within one request message, at any depth. A thousand merchants with 250 periods, photos and labels each have as many; decoded,
/// they take up to 72 bytes each, and twice that while their list grows.
const MAX_MESSAGES: usize = 250_000;

/// A list of a request that has a maximum.
struct ListLimit {
    /// The name of its method.
    method: &'static str,
    field: &'static str,
    max: usize,
    error: fn(&'static str, usize) -> ServiceError,
}

/// All lists of requests with a maximum. The handlers check the same maximum, and that the lists are not empty.
const LIST_LIMITS: [ListLimit; 7] = {
    const fn batch(method: &'static str, field: &'static str, max: usize) -> ListLimit {
        ListLimit { method, field, max, error: too_many_elements }
    }
    const fn import(field: &'static str, max: usize) -> ListLimit {
        ListLimit { method: "ImportMerchants", field, max, error: too_many_in_message }
    }
    [
        batch("BatchSearchNearby", "requests", MAX_SEARCHES),
        batch("BatchGetMerchants", "names", MAX_NAMES),
        batch("BatchCreateMerchants", "requests", MAX_CHANGES),
        batch("BatchUpdateMerchants", "requests", MAX_CHANGES),
        batch("BatchDeleteMerchants", "requests", MAX_CHANGES),
        import("rows", MAX_ROWS_PER_MESSAGE),
        import("update_masks", MAX_MASKS_PER_MESSAGE),
    ]
};

/// The bounds of the requests of one method.
#[derive(Debug)]
pub(crate) struct RequestBounds {
    schema: &'static Schema,
    /// The request type.
    message: usize,
    lists: Vec<ListBound>,
}

/// The maximum of one field of the request type.
#[derive(Clone, Copy, Debug)]
struct ListBound {
    field: u32,
    name: &'static str,
    max: usize,
    error: fn(&'static str, usize) -> ServiceError,
}

static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::parse(nearby_proto::DESCRIPTORS));
/// The bounds of each method, in the order of [`METHODS`].
static BOUNDS: LazyLock<[Option<RequestBounds>; METHODS.len()]> =
    LazyLock::new(|| METHODS.map(|method| RequestBounds::of_method(&method)));

impl RequestBounds {
    /// The bounds of the requests to a route; `None` if they cannot be large.
    pub(crate) fn of(route: Route) -> Option<&'static Self> {
        match route {
            Route::Method(at) => BOUNDS.get(at)?.as_ref(),
            Route::HealthWatch | Route::Other => None,
        }
    }

    fn of_method(method: &Method) -> Option<Self> {
        if method.max_message_bytes < MAX_MESSAGE_BYTES {
            return None;
        }
        let schema = &*SCHEMA;
        let message = schema.request_of(method.path)?;
        let lists = LIST_LIMITS.iter().filter(|limit| limit.method == method.name());
        let lists = lists.filter_map(|limit| {
            let field = schema.field(message, limit.field)?;
            Some(ListBound { field, name: limit.field, max: limit.max, error: limit.error })
        });
        Some(Self { schema, message, lists: lists.collect() })
    }

    fn error(&self, excess: Excess) -> ServiceError {
        let list = match excess {
            Excess::List(at) => self.lists.get(at),
            Excess::Messages => None,
        };
        match list {
            Some(list) => (list.error)(list.name, list.max),
            None => {
                let description =
                    format!("must contain at most {MAX_MESSAGES} messages; send less per request");
                ServiceError::invalid("request", reason::TOO_MANY, description)
            }
        }
    }
}

pin_project! {
    /// A request body of length-prefixed messages, each within its bounds.
    pub(crate) struct BoundedBody<B> {
        #[pin]
        inner: B,
        bounds: &'static RequestBounds,
        scanner: Scanner,
    }
}

impl<B> BoundedBody<B> {
    pub(crate) fn new(inner: B, bounds: &'static RequestBounds) -> Self {
        Self { inner, bounds, scanner: Scanner::default() }
    }
}

type BoxError = Box<dyn Error + Send + Sync>;

impl<B: Body<Data = Bytes, Error: Into<BoxError>>> Body for BoundedBody<B> {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self.project();
        let Some(frame) = ready!(this.inner.poll_frame(context)).transpose().map_err(Into::into)? else {
            return Poll::Ready(None);
        };
        if let Some(data) = frame.data_ref() {
            let scanned = this.scanner.scan(data, this.bounds);
            scanned.map_err(|excess| Status::from(this.bounds.error(excess)))?;
        }
        Poll::Ready(Some(Ok(frame)))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_large_request_is_bounded_and_every_limit_names_a_list() {
        for (at, method) in METHODS.iter().enumerate() {
            let bounds = RequestBounds::of(Route::Method(at));
            assert_eq!(bounds.is_some(), method.max_message_bytes == MAX_MESSAGE_BYTES, "{}", method.name());
        }
        for limit in LIST_LIMITS {
            let method = METHODS.iter().position(|method| method.name() == limit.method).unwrap();
            let bounds = RequestBounds::of(Route::Method(method)).unwrap();
            let is_bounded = bounds.lists.iter().any(|list| list.name == limit.field);
            assert!(is_bounded, "{}.{}", limit.method, limit.field);
        }
    }
}
