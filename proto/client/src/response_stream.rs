//! Answers that come one after the other.

use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll},
};

use futures_util::Stream;
use tonic::Streaming;

use crate::error::ClientError;

/// Answers that come one after the other, until the server or the caller has had enough. Dropping it ends the call.
///
/// It is a [`Stream`] too.
pub struct Answers<T>(Streaming<T>);

impl<T> Answers<T> {
    pub(crate) fn new(answers: Streaming<T>) -> Self {
        Self(answers)
    }

    /// Waits for the next answer; nothing where the server has come to an end.
    ///
    /// # Errors
    ///
    /// The call broke or the server ended it with an error. No further answer comes.
    pub async fn message(&mut self) -> Result<Option<T>, ClientError> {
        Ok(self.0.message().await?)
    }
}

impl<T> Stream for Answers<T> {
    type Item = Result<T, ClientError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Pin::new(&mut self.0).poll_next(context).map(|answer| answer.map(|answer| answer.map_err(Into::into)))
    }
}

impl<T> fmt::Debug for Answers<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answers")
    }
}
