//! Reads the HTTP/2 connection preface, so that silent connections time out and other protocols are recognised at once.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use hyper::body::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The client connection preface (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose first bytes have been read and will be replayed to its next reader.
#[derive(Debug)]
pub(super) struct Replayed<IO> {
    io: IO,
    /// Bytes that are still to be replayed.
    replay: Bytes,
}

/// Why a stream does not start with the preface.
#[derive(Debug)]
pub(super) enum PrefaceError<IO> {
    /// It failed or ended.
    Io(io::Error),
    /// It started with something else.
    OtherProtocol(Replayed<IO>),
}

/// Reads the preface and fails at the first bytes that differ.
pub(super) async fn read_preface<IO: AsyncRead + Unpin>(
    mut io: IO,
) -> Result<Replayed<IO>, PrefaceError<IO>> {
    let mut read = 0;
    let mut bytes = [0; PREFACE.len()];
    while read < PREFACE.len() {
        let more = io.read(&mut bytes[read..]).await.map_err(PrefaceError::Io)?;
        if more == 0 {
            return Err(PrefaceError::Io(io::ErrorKind::UnexpectedEof.into()));
        }
        read += more;
        if bytes[..read] != PREFACE[..read] {
            let replay = Bytes::copy_from_slice(&bytes[..read]);
            return Err(PrefaceError::OtherProtocol(Replayed { io, replay }));
        }
    }
    Ok(Replayed { io, replay: Bytes::from_static(PREFACE) })
}

impl<IO> Replayed<IO> {
    /// The bytes that are still to be replayed.
    pub(super) fn replay(&self) -> &[u8] {
        &self.replay
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Replayed<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let now = self.replay.len().min(buffer.remaining());
        buffer.put_slice(&self.replay[..now]);
        self.replay.advance(now);
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Replayed<IO> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn the_preface_is_read_in_parts_and_replayed() {
        let (mut near, far) = duplex(7);
        let sender = tokio::spawn(async move {
            near.write_all(PREFACE).await.unwrap();
            near.write_all(b"and more").await.unwrap();
        });
        let mut stream = read_preface(far).await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        sender.await.unwrap();
        assert_eq!(all.as_bytes(), [&PREFACE[..], b"and more"].concat());
    }

    #[tokio::test]
    async fn other_protocols_are_replayed_from_their_first_byte() {
        let (mut near, far) = duplex(64);
        near.write_all(b"PRI * HTTP/2.1").await.unwrap();
        let Err(PrefaceError::OtherProtocol(mut other)) = read_preface(far).await else { panic!() };
        assert_eq!(other.replay(), b"PRI * HTTP/2.1");
        near.write_all(b"\r\n").await.unwrap();
        drop(near);
        let mut all = String::new();
        other.read_to_string(&mut all).await.unwrap();
        assert_eq!(all, "PRI * HTTP/2.1\r\n");
        let (mut near, far) = duplex(64);
        near.write_all(b"PRI * HT").await.unwrap();
        drop(near);
        let Err(PrefaceError::Io(error)) = read_preface(far).await else { panic!() };
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
