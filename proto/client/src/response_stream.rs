//! Streams of responses.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use tonic::Streaming;

use crate::error::ClientError;

/// Responses of a streaming call, until the server ends it. Dropping it cancels the call.
///
/// Also implements [`Stream`].
pub struct ResponseStream<T>(Streaming<T>);

impl<T> ResponseStream<T> {
    pub(crate) fn new(responses: Streaming<T>) -> Self {
        Self(responses)
    }

    /// Waits for the next response; `None` once the server has ended the call.
    ///
    /// # Errors
    ///
    /// The connection broke or the server ended the call with an error. No further response follows.
    pub async fn message(&mut self) -> Result<Option<T>, ClientError> {
        Ok(self.0.message().await?)
    }
}

impl<T> Stream for ResponseStream<T> {
    type Item = Result<T, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context).map(|next| next.map(|response| response.map_err(Into::into)))
    }
}

impl<T> fmt::Debug for ResponseStream<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ResponseStream")
    }
}
