//! Reads the HTTP/2 connection preface, so that silent connections time out and other protocols are rejected at once.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// The client connection preface (RFC 9113 §3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A stream whose preface has been read and will be replayed to hyper.
#[derive(Debug)]
pub(super) struct Http2Preface<IO> {
    io: IO,
    /// Part of the preface that is still to be replayed.
    replay: &'static [u8],
}

impl<IO: AsyncRead + Unpin> Http2Preface<IO> {
    /// Reads the preface and fails at the first byte that differs.
    pub(super) async fn read(mut io: IO) -> io::Result<Self> {
        let mut read = 0;
        let mut bytes = [0; PREFACE.len()];
        while read < PREFACE.len() {
            let more = io.read(&mut bytes[read..]).await?;
            if more == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            read += more;
            if bytes[..read] != PREFACE[..read] {
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not the HTTP/2 preface"));
            }
        }
        Ok(Self { io, replay: PREFACE })
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Http2Preface<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.replay.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let (now, later) = self.replay.split_at(self.replay.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.replay = later;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Http2Preface<IO> {
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
        let mut stream = Http2Preface::read(far).await.unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).await.unwrap();
        sender.await.unwrap();
        assert_eq!(all.as_bytes(), [&PREFACE[..], b"and more"].concat());
    }

    #[tokio::test]
    async fn other_protocols_fail_at_the_first_wrong_byte() {
        let (mut near, far) = duplex(64);
        near.write_all(b"GET").await.unwrap();
        assert_eq!(Http2Preface::read(far).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (mut near, far) = duplex(64);
        near.write_all(b"PRI * HT").await.unwrap();
        drop(near);
        assert_eq!(Http2Preface::read(far).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
