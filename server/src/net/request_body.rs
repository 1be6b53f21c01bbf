//! The body of a request, over either version of HTTP.

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll},
};

use http_body::{Body, Frame};
use hyper::body::{Bytes, Incoming};
use pin_project_lite::pin_project;

use super::stream_body::StreamBody;

pin_project! {
    /// The body of a request, as it arrives.
    #[project = RequestBodyProjection]
    #[derive(Debug)]
    pub(crate) enum RequestBody {
        Http1 { #[pin] body: Incoming },
        Http2 { #[pin] body: StreamBody },
    }
}

impl From<Incoming> for RequestBody {
    fn from(body: Incoming) -> Self {
        Self::Http1 { body }
    }
}

impl From<StreamBody> for RequestBody {
    fn from(body: StreamBody) -> Self {
        Self::Http2 { body }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.project() {
            RequestBodyProjection::Http1 { body } => {
                body.poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
            RequestBodyProjection::Http2 { body } => {
                body.poll_frame(context).map(|frame| frame.map(|frame| frame.map_err(Into::into)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1 { body } => body.is_end_stream(),
            Self::Http2 { body } => body.is_end_stream(),
        }
    }
}
