//! The first bytes of HTTP/2: whoever connects and says nothing is not waited for, and whoever says something else is not
//! listened to.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, ReadBuf};

/// What a client of HTTP/2 says first (RFC 9113, 3.4).
pub(super) const PREFACE: &[u8; 24] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// A connection whose preface was read, and will be read again.
#[derive(Debug)]
pub(super) struct Begun<IO> {
    io: IO,
    /// How much of the preface is still to be read again.
    again: &'static [u8],
}

impl<IO: AsyncRead + Unpin> Begun<IO> {
    /// Reads it, piece by piece: what is no preface is known by its first wrong byte.
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
                return Err(io::Error::new(io::ErrorKind::InvalidData, "not HTTP/2"));
            }
        }
        Ok(Self { io, again: PREFACE })
    }
}

impl<IO: AsyncRead + Unpin> AsyncRead for Begun<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.again.is_empty() {
            return Pin::new(&mut self.io).poll_read(context, buffer);
        }
        let (now, later) = self.again.split_at(self.again.len().min(buffer.remaining()));
        buffer.put_slice(now);
        self.again = later;
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Begun<IO> {
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
        pieces: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, pieces)
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
    async fn the_preface_is_read_in_pieces_and_read_again() {
        let (mut near, far) = duplex(7);
        let sender = tokio::spawn(async move {
            near.write_all(PREFACE).await.unwrap();
            near.write_all(b"and more").await.unwrap();
        });
        let mut begun = Begun::read(far).await.unwrap();
        let mut all = String::new();
        begun.read_to_string(&mut all).await.unwrap();
        sender.await.unwrap();
        assert_eq!(all.as_bytes(), [&PREFACE[..], b"and more"].concat());
    }

    #[tokio::test]
    async fn what_is_no_preface_is_known_by_its_first_byte() {
        let (mut near, far) = duplex(64);
        near.write_all(b"GET").await.unwrap();
        assert_eq!(Begun::read(far).await.unwrap_err().kind(), io::ErrorKind::InvalidData);
        let (mut near, far) = duplex(64);
        near.write_all(b"PRI * HT").await.unwrap();
        drop(near);
        assert_eq!(Begun::read(far).await.unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}
