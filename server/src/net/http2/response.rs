//! Sends a response.
//!
//! At most one frame of a body waits for the window of its client, and h2 holds only what it can write. Meanwhile the body is polled
//! for its end, see [`Backpressure`].

use std::{
    error::Error,
    pin::Pin,
    task::{Context, Poll, ready},
};

use h2::{Reason, SendStream, server::SendResponse};
use http::{HeaderMap, Response};
use http_body::{Body, Frame};
use hyper::body::{Buf, Bytes};
use pin_project_lite::pin_project;

use super::Backpressure;
use crate::net::unread::{ConnectionUnread, ResponseBytes};

/// Sends a response until its end, or until the client resets the stream.
pub(super) async fn send<B>(
    response: Response<B>,
    mut stream: SendResponse<ResponseBytes>,
    backpressure: Backpressure,
    unread: ConnectionUnread,
) where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    let (head, body) = response.into_parts();
    let has_no_body = body.is_end_stream();
    let sent = match stream.send_response(Response::from_parts(head, ()), has_no_body) {
        Ok(_) if has_no_body => return,
        Ok(stream) => {
            SendBody { stream, body, waiting: None, has_sent_part: false, backpressure, unread }.await
        }
        Err(error) => {
            // The response has a header that HTTP/2 forbids, or the stream has ended.
            stream.send_reset(Reason::INTERNAL_ERROR);
            Err(error)
        }
    };
    if let Err(error) = sent {
        tracing::debug!(%error, "response not sent");
    }
}

pin_project! {
    /// Sends the body of a response.
    struct SendBody<B> {
        stream: SendStream<ResponseBytes>,
        #[pin]
        body: B,
        // The frame that waits for the window of the client.
        waiting: Option<Waiting>,
        // True if the client has received a part of the frame that waits.
        has_sent_part: bool,
        backpressure: Backpressure,
        unread: ConnectionUnread,
    }
}

struct Waiting {
    bytes: ResponseBytes,
    is_last: bool,
}

/// The state of the stream after a step.
enum Step {
    Continue,
    Done,
}

impl<B> Future for SendBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    type Output = Result<(), h2::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<(), h2::Error>> {
        loop {
            let step = if self.waiting.is_some() {
                match self.as_mut().poll_send(context)? {
                    Poll::Pending => self.as_mut().poll_early_end(context)?,
                    step => step,
                }
            } else {
                self.as_mut().poll_body(context)?
            };
            match step {
                Poll::Ready(Step::Continue) => {}
                Poll::Ready(Step::Done) => return Poll::Ready(Ok(())),
                // The client gave the call up: the body is dropped, and the work for it ends.
                Poll::Pending => return self.project().stream.poll_reset(context)?.map(|_| Ok(())),
            }
        }
    }
}

impl<B> SendBody<B>
where
    B: Body<Data = Bytes, Error: Into<Box<dyn Error + Send + Sync>>>,
{
    /// Polls the body for its next frame.
    fn poll_body(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Step, h2::Error>> {
        let mut this = self.project();
        let frame = match ready!(this.body.as_mut().poll_frame(context)) {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Poll::Ready(Ok(abandon(this.stream, error))),
            None => {
                this.stream.send_data(ResponseBytes::new(Bytes::new(), this.unread), true)?;
                return Poll::Ready(Ok(Step::Done));
            }
        };
        match frame.into_data() {
            Ok(bytes) => {
                let is_last = this.body.is_end_stream();
                if !bytes.is_empty() || is_last {
                    // Only for bytes that exist: a reservation takes them from the other streams of the connection.
                    this.stream.reserve_capacity(bytes.len());
                    let bytes = ResponseBytes::new(bytes, this.unread);
                    *this.waiting = Some(Waiting { bytes, is_last });
                    *this.has_sent_part = false;
                }
                Poll::Ready(Ok(Step::Continue))
            }
            Err(other) => Poll::Ready(other.into_trailers().map_or(Ok(Step::Continue), |trailers| {
                this.stream.send_trailers(trailers)?;
                Ok(Step::Done)
            })),
        }
    }

    /// Sends as much of the frame that waits as the window allows.
    fn poll_send(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Step, h2::Error>> {
        let this = self.project();
        let Some(mut waiting) = this.waiting.take() else { return Poll::Ready(Ok(Step::Continue)) };
        loop {
            let capacity = this.stream.capacity();
            if capacity >= waiting.bytes.remaining() {
                this.backpressure.set_blocked(false);
                this.stream.send_data(waiting.bytes, waiting.is_last)?;
                return Poll::Ready(Ok(if waiting.is_last { Step::Done } else { Step::Continue }));
            }
            if capacity > 0 {
                this.stream.send_data(waiting.bytes.split_to(capacity), false)?;
                *this.has_sent_part = true;
            }
            match this.stream.poll_capacity(context) {
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                // The client has reset the stream, or the connection has ended.
                Poll::Ready(None) => return Poll::Ready(Ok(Step::Done)),
                Poll::Pending => {
                    *this.waiting = Some(waiting);
                    this.backpressure.set_blocked(true);
                    return Poll::Pending;
                }
            }
        }
    }

    /// Polls the body for an end that comes before the frame that waits can be sent.
    fn poll_early_end(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Result<Step, h2::Error>> {
        let this = self.project();
        if !this.backpressure.is_observed() {
            return Poll::Pending;
        }
        let frame = ready!(this.body.poll_frame(context));
        Poll::Ready(match frame.map(|frame| frame.map(Frame::into_trailers)) {
            Some(Ok(Ok(trailers))) if !*this.has_sent_part => end_early(this.stream, trailers),
            Some(Err(error)) => Ok(abandon(this.stream, error)),
            // Clients take trailers after a part of a message for a fault of the server.
            _ => {
                this.stream.send_reset(Reason::CANCEL);
                Ok(Step::Done)
            }
        })
    }
}

/// Ends a response without the frame that waits. Trailers need no window.
fn end_early(stream: &mut SendStream<ResponseBytes>, trailers: HeaderMap) -> Result<Step, h2::Error> {
    stream.reserve_capacity(0);
    stream.send_trailers(trailers)?;
    Ok(Step::Done)
}

/// Resets a stream whose body has failed.
fn abandon(stream: &mut SendStream<ResponseBytes>, error: impl Into<Box<dyn Error + Send + Sync>>) -> Step {
    let error = error.into();
    tracing::debug!(%error, "body of a response failed");
    stream.send_reset(Reason::INTERNAL_ERROR);
    Step::Done
}
