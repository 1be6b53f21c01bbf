//! The body of a request over HTTP/2.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use h2::{Reason, RecvStream};
use http_body::{Body, Frame};
use hyper::body::Bytes;

use crate::net::unread::StreamFrames;

/// The body of a request, as its frames arrive. A frame that is read makes room for as many bytes in the windows of the client; so do
/// all others when the body is dropped.
#[derive(Debug)]
pub(crate) struct StreamBody {
    stream: RecvStream,
    /// Dropped after the stream, whose frames it counts.
    frames: StreamFrames,
    has_data: bool,
}

impl StreamBody {
    pub(super) fn new(stream: RecvStream, frames: StreamFrames) -> Self {
        Self { stream, frames, has_data: true }
    }

    fn poll_data(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Bytes, h2::Error>>> {
        let data = ready!(self.stream.poll_data(context)).transpose()?;
        if let Some(data) = &data {
            self.frames.read();
            self.stream.flow_control().release_capacity(data.len())?;
        }
        Poll::Ready(data.map(Ok))
    }
}

impl Body for StreamBody {
    type Data = Bytes;
    type Error = h2::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, h2::Error>>> {
        if self.has_data {
            match ready!(self.poll_data(context)) {
                Some(data) => return Poll::Ready(without_early_end(data.map(Frame::data))),
                None => self.has_data = false,
            }
        }
        let trailers = ready!(self.stream.poll_trailers(context)).transpose();
        Poll::Ready(trailers.and_then(|trailers| without_early_end(trailers.map(Frame::trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.stream.is_end_stream()
    }
}

/// Ends the body at a reset with NO_ERROR: the client needs no more of the response, and has not failed (RFC 9113 §8.1).
fn without_early_end(frame: Result<Frame<Bytes>, h2::Error>) -> Option<Result<Frame<Bytes>, h2::Error>> {
    frame.map_or_else(
        |error| (error.reason() != Some(Reason::NO_ERROR)).then_some(Err(error)),
        |frame| Some(Ok(frame)),
    )
}
