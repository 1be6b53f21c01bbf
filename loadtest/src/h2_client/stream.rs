//! A call in progress on an HTTP/2 stream.

use bytes::Bytes;
use h2::{RecvStream, SendStream, client::ResponseFuture};
use tokio::sync::SemaphorePermit;

use super::{code::Code, framing::MessageDecoder};

/// A call in progress.
pub struct Stream<'p> {
    send: SendStream<Bytes>,
    response: Option<ResponseFuture>,
    body: Option<RecvStream>,
    decoder: MessageDecoder,
    bytes: u64,
    code: Option<Code>,
    /// The `grpc-message` of the status.
    message: Option<String>,
    /// Slot on the connection. Last field, so that it is released after the stream has been dropped.
    _slot: SemaphorePermit<'p>,
}

impl std::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl<'p> Stream<'p> {
    pub(super) fn new(
        (response, send): (ResponseFuture, SendStream<Bytes>),
        slot: SemaphorePermit<'p>,
        keep_messages: bool,
    ) -> Self {
        Self {
            send,
            response: Some(response),
            body: None,
            decoder: MessageDecoder::new(keep_messages),
            bytes: 0,
            code: None,
            message: None,
            _slot: slot,
        }
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The connection has failed.
    pub fn send(&mut self, message: Bytes) -> Result<(), Code> {
        self.send_data(message, false)
    }

    /// Half-closes the stream.
    pub fn finish(&mut self) {
        // If the connection has failed, the server has noticed already.
        let _ = self.send_data(Bytes::new(), true);
    }

    /// Sends length-prefixed messages, and half-closes the stream after the last.
    pub(super) fn send_data(&mut self, messages: Bytes, is_last: bool) -> Result<(), Code> {
        self.send.send_data(messages, is_last).map_err(|_| Code::UNAVAILABLE)
    }

    /// Returns the next response message, or `None` once the call has ended; then [`Self::end`] returns its status. Cancel safe.
    ///
    /// # Errors
    /// The connection has failed, or the response is malformed.
    pub async fn message(&mut self) -> Result<Option<Bytes>, Code> {
        loop {
            if let Some(message) = self.decoder.next().map_err(|_| Code::INTERNAL)? {
                return Ok(Some(message));
            }
            if self.code.is_some() {
                return Ok(None);
            }
            self.receive().await?;
        }
    }

    /// Returns the status of the call, once [`Self::message`] has returned `None`, and the bytes received.
    #[must_use]
    pub fn end(&self) -> (Code, u64) {
        (self.code.unwrap_or(Code::INTERNAL), self.bytes)
    }

    /// Takes the status message.
    pub(super) fn take_message(&mut self) -> Option<String> {
        self.message.take()
    }

    async fn receive(&mut self) -> Result<(), Code> {
        if let Some(response) = &mut self.response {
            let response = response.await;
            self.response = None;
            let (head, body) = response.map_err(|error| Code::of_h2(&error))?.into_parts();
            if let Some(code) = Code::of_http(head.status) {
                return Err(code_in(&head.headers).filter(|code| *code != Code::OK).unwrap_or(code));
            }
            self.code = code_in(&head.headers);
            self.message = message_in(&head.headers);
            self.body = Some(body);
            return Ok(());
        }
        let Some(body) = &mut self.body else { return Err(Code::INTERNAL) };
        if let Some(chunk) = body.data().await {
            let chunk = chunk.map_err(|error| Code::of_h2(&error))?;
            self.bytes += chunk.len() as u64;
            // Fails only if the stream has ended in the meantime: then there is no window to update.
            drop(body.flow_control().release_capacity(chunk.len()));
            self.decoder.push(&chunk);
            return Ok(());
        }
        let trailers = body.trailers().await.map_err(|error| Code::of_h2(&error))?;
        self.message = trailers.as_ref().and_then(message_in);
        // A truncated message is an error whatever the status says.
        let code = trailers.as_ref().and_then(code_in).filter(|_| self.decoder.is_empty());
        self.code = Some(code.unwrap_or(Code::INTERNAL));
        Ok(())
    }
}

/// Returns the status message, which is percent-encoded ("gRPC over HTTP2", Status-Message).
fn message_in(headers: &http::HeaderMap) -> Option<String> {
    let text = headers.get("grpc-message")?.to_str().ok().filter(|text| !text.is_empty())?;
    Some(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned())
}

fn code_in(headers: &http::HeaderMap) -> Option<Code> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok().map(Code)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::{io::duplex, sync::Semaphore, time::sleep};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_message_that_was_awaited_in_vain_arrives_later() {
        let (near, far) = duplex(10_000);
        tokio::spawn(async move {
            let mut connection = h2::server::handshake(far).await.unwrap();
            while let Some(Ok((_, mut respond))) = connection.accept().await {
                tokio::spawn(async move {
                    sleep(Duration::from_secs(2)).await;
                    let mut body = respond.send_response(http::Response::new(()), false).unwrap();
                    for part in [&b"\0\0\0\0\x05he"[..], b"llo"] {
                        sleep(Duration::from_secs(2)).await;
                        body.send_data(Bytes::from_static(part), false).unwrap();
                    }
                    sleep(Duration::from_secs(2)).await;
                });
            }
        });
        let (mut requests, connection) = h2::client::handshake(near).await.unwrap();
        tokio::spawn(connection);
        let slots = Semaphore::new(1);
        let call =
            requests.send_request(http::Request::get("http://server/").body(()).unwrap(), false).unwrap();
        let mut stream = Stream::new(call, slots.acquire().await.unwrap(), true);
        let mut given_up = 0;
        let message = loop {
            match tokio::time::timeout(Duration::from_millis(300), stream.message()).await {
                Ok(message) => break message.unwrap().unwrap(),
                Err(_) => given_up += 1,
            }
        };
        assert!(message.ends_with(b"hello"));
        assert!(given_up > 10);
    }
}
