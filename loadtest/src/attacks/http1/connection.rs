//! Raw HTTP/1.1 (RFC 9112): requests that need not be valid.

use std::{io, net::SocketAddr, time::Duration};

use bytes::{Bytes, BytesMut};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::tcp::OwnedReadHalf,
    time::sleep,
};

use crate::attacks::frames::{RawConnection, Termination};

/// The start of each response.
const VERSION: &[u8] = b"HTTP/1.1 ";
/// Bytes of responses to keep.
const MAX_BYTES: usize = 1024 * 1024;

/// Sends bytes, then further ones at an interval, and reads until the server closes the connection.
pub(super) async fn send(
    to: SocketAddr,
    number: usize,
    first: Vec<u8>,
    mut next: impl FnMut(u32) -> Vec<u8>,
    interval: Duration,
) -> io::Result<Termination> {
    let RawConnection { mut reads, mut writes } = RawConnection::connect(to, number).await?;
    let write = async {
        if writes.write_all(&first).await.is_ok() {
            for round in 0.. {
                if writes.write_all(&next(round)).await.is_err() {
                    break;
                }
                if !interval.is_zero() {
                    sleep(interval).await;
                }
            }
        }
        // The server may still have sent a response that says why.
        sleep(Duration::from_secs(1)).await;
    };
    tokio::select! {
        // The server no longer reads.
        () = write => Ok(Termination::Closed),
        responses = read_responses(&mut reads) => responses.map(|responses| responses.termination()),
    }
}

/// Responses on a connection that the server has closed.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Responses {
    /// Number of responses.
    pub(super) count: usize,
    /// Status of the first final one.
    status: Option<u16>,
}

impl Responses {
    fn of(bytes: &[u8]) -> Self {
        let starts = bytes.windows(VERSION.len()).enumerate().filter(|(_, window)| *window == VERSION);
        let statuses = starts.filter_map(|(at, _)| status_of(&bytes[at..])).filter(|status| *status >= 200);
        let statuses: Vec<u16> = statuses.collect();
        Self { count: statuses.len(), status: statuses.first().copied() }
    }

    pub(super) fn termination(&self) -> Termination {
        self.status.map_or(Termination::Closed, Termination::Status)
    }
}

/// Reads until the server closes the connection.
pub(super) async fn read_responses(reads: &mut OwnedReadHalf) -> io::Result<Responses> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 16 * 1024];
    loop {
        match reads.read(&mut buffer).await {
            Ok(0) => return Ok(Responses::of(&bytes)),
            Ok(read) if bytes.len() < MAX_BYTES => bytes.extend(&buffer[..read]),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => return Ok(Responses::of(&bytes)),
            Err(error) => return Err(error),
        }
    }
}

/// The status of a response.
fn status_of(head: &[u8]) -> Option<u16> {
    std::str::from_utf8(head.strip_prefix(VERSION)?.get(..3)?).ok()?.parse().ok()
}

/// A connection that sends valid requests, one after the other.
#[derive(Debug)]
pub(super) struct HttpConnection {
    connection: RawConnection,
    received: BytesMut,
}

/// A response.
#[derive(Debug)]
pub(super) struct Response {
    /// HTTP status.
    pub(super) status: u16,
    /// Body.
    pub(super) body: Bytes,
}

impl From<RawConnection> for HttpConnection {
    fn from(connection: RawConnection) -> Self {
        Self { connection, received: BytesMut::new() }
    }
}

impl HttpConnection {
    /// Sends a request and reads its response, which must have a `Content-Length`.
    pub(super) async fn exchange(&mut self, request: &[u8]) -> io::Result<Response> {
        // The server may respond, and close the connection, before it has read all of the request.
        let RawConnection { reads, writes } = &mut self.connection;
        let received = &mut self.received;
        let (written, response) = tokio::join!(writes.write_all(request), read_response(reads, received));
        let response = response?;
        written.map(|()| response)
    }

    /// Waits until the server closes the connection.
    pub(super) async fn closed(&mut self) -> io::Result<Termination> {
        read_responses(&mut self.connection.reads).await.map(|_| Termination::Closed)
    }
}

async fn read_response(reads: &mut OwnedReadHalf, received: &mut BytesMut) -> io::Result<Response> {
    let end = loop {
        if let Some(at) = received.windows(4).position(|window| window == b"\r\n\r\n") {
            break at + 4;
        }
        more(reads, received).await?;
    };
    let head = received.split_to(end);
    let invalid = || io::Error::new(io::ErrorKind::InvalidData, "the response is no HTTP/1.1 with a length");
    let status = status_of(&head).ok_or_else(invalid)?;
    let length = length_of(&head).ok_or_else(invalid)?;
    while received.len() < length {
        more(reads, received).await?;
    }
    Ok(Response { status, body: received.split_to(length).freeze() })
}

async fn more(reads: &mut OwnedReadHalf, received: &mut BytesMut) -> io::Result<()> {
    match reads.read_buf(received).await? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(()),
    }
}

/// The `Content-Length` of a response.
fn length_of(head: &[u8]) -> Option<usize> {
    let head = std::str::from_utf8(head).ok()?;
    head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length").then(|| value.trim().parse().ok())?
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn final_responses_are_counted() {
        let responses = Responses::of(
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 400 Bad Request\r\n\r\nHTTP/1.1 404 Not Found\r\n\r\n",
        );
        assert_eq!(responses, Responses { count: 2, status: Some(400) });
        assert_eq!(Responses::of(b"HTTP/1.1 4").termination(), Termination::Closed);
        assert_eq!(length_of(b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"), Some(12));
        assert_eq!(length_of(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"), None);
    }
}
