//! Gathers the writes of a connection: one system call for all responses that are ready, instead of two per response.
//!
//! h2 hands a DATA frame of more than 256 bytes to the socket before it takes the next frame (`CHAIN_THRESHOLD` in its
//! `framed_write.rs`), so that a response costs two writes: headers and data, then trailers. Half of the server's CPU time went
//! there (`cargo loadtest cost`). Here a flush is deferred: the connection's task is scheduled once more, behind the tasks
//! that are ready to run, and the responses that those produce meanwhile leave with it. (When a poll reads a new request,
//! hyper looks for another one, and the deferred flush happens at once.) Without concurrent responses the cost is one pass
//! through the scheduler, a microsecond.
//!
//! While requests of the connection are mostly rejected, or half of them shed, reads are gathered too: requests that arrive within [`READ_PAUSE`] are read,
//! and mostly rejected, together. A rejection then costs a third of what it costs alone, which leaves the rest to other clients. A
//! connection with many frames that no handler has read yet is read in small parts, with pauses.

use std::{
    io::{self, IoSlice},
    pin::Pin,
    task::{Context, Poll, ready},
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    time::{Sleep, sleep},
};

use super::{peer::Peer, read_throttle::ReadThrottle, reset_limit::ResetBudget, unread::ConnectionUnread};

/// Larger writes go to the socket directly, so that large responses are not copied.
const MAX_BUFFERED_BYTES: usize = 64 * 1024;
/// Initial capacity of the buffer: one response, or several small ones.
const INITIAL_BUFFER_BYTES: usize = 8 * 1024;
/// Bytes that a poll of a connection writes before it yields: less than 0.1 ms. A socket on a fast network takes megabytes at once, and
/// with several connections of large responses others waited for 10 ms (`cargo loadtest fairness full`).
const MAX_POLL_BYTES: usize = 64 * 1024;
/// Pause between reads while requests are mostly rejected.
const READ_PAUSE: Duration = Duration::from_millis(10);
/// Unread frames from which a connection is read slowly, and the bytes of a slow read. The window of a stream admits 13,000 searches of
/// 40 bytes, with which no client gets slower. Above it each pause is [`READ_PAUSE`] for each 16,384 frames: a hundred frames of ten
/// bytes per read make 60,000 in 10 s and 140,000 in a minute. Reads never stop, since WINDOW_UPDATE frames come the same way.
const MAX_UNREAD_FRAMES: usize = 16 * 1024;
const SLOW_READ_BYTES: usize = 1_024;
const MAX_SLOW_READ_PAUSE: Duration = Duration::from_secs(1);
/// Limit for a peer that reads none of the bytes that wait for it.
const PEER_READ_TIMEOUT: Duration = Duration::from_secs(30);

/// A stream that gathers writes. It relies on h2, which in every poll reads until nothing is left and then flushes: a deferred
/// flush is due at the first read after it.
#[derive(Debug)]
pub(super) struct CoalescingStream<IO> {
    io: IO,
    buffered: Vec<u8>,
    /// Bytes of `buffered` that are written already.
    written: usize,
    /// Bytes written in this poll of the connection.
    poll_bytes: usize,
    flush: Flush,
    read_throttle: ReadThrottle,
    reset_budget: ResetBudget,
    unread: ConnectionUnread,
    /// While it runs nothing is read.
    read_pause: Option<Pin<Box<Sleep>>>,
    /// True if something was read since the last pause: idle connections start no timers.
    has_read: bool,
    /// Runs while the peer reads nothing.
    stall_timeout: Option<Pin<Box<Sleep>>>,
}

/// State of the last flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Done,
    Deferred,
    Due,
}

impl<IO> CoalescingStream<IO> {
    pub(super) fn new(io: IO, peer: &Peer) -> Self {
        Self {
            io,
            buffered: Vec::new(),
            written: 0,
            poll_bytes: 0,
            flush: Flush::Done,
            read_throttle: peer.read_throttle.clone(),
            reset_budget: ResetBudget::new(Instant::now()),
            unread: peer.unread.clone(),
            read_pause: None,
            has_read: false,
            stall_timeout: None,
        }
    }
}

impl<IO: AsyncWrite + Unpin> CoalescingStream<IO> {
    /// Writes all buffered bytes.
    fn write_buffered(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.poll_bytes >= MAX_POLL_BYTES {
            self.poll_bytes = 0;
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        while let Some(left) = self.buffered.get(self.written..).filter(|left| !left.is_empty()) {
            let polled = Pin::new(&mut self.io).poll_write(context, left);
            let written = ready!(or_stalled(&mut self.stall_timeout, polled, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
            self.poll_bytes += written;
        }
        self.written = 0;
        // An idle connection holds no buffer.
        self.buffered = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Makes room for `bytes` more bytes.
    fn make_room(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.buffered.len() + bytes > MAX_BUFFERED_BYTES {
            return self.write_buffered(context);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> CoalescingStream<IO> {
    /// Reads until nothing is left, and then pauses if requests are mostly rejected.
    fn read_or_pause(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(read_pause) = &mut self.read_pause {
            ready!(read_pause.as_mut().poll(context));
            self.read_pause = None;
        }
        let before = buffer.filled().len();
        let unread_frames = self.unread.request_frames();
        let read = if unread_frames > MAX_UNREAD_FRAMES {
            self.read_slowly(unread_frames, context, buffer)
        } else {
            Pin::new(&mut self.io).poll_read(context, buffer)
        }?;
        self.has_read |= read.is_ready();
        let data = &buffer.filled()[before..];
        if !data.is_empty() {
            self.unread.record_read();
            self.reset_budget.scan(data, Instant::now, |stream| self.unread.record_frame(stream))?;
        }
        if read.is_pending() && self.has_read && self.read_throttle.is_active() {
            self.has_read = false;
            let read_pause = self.read_pause.insert(Box::pin(sleep(READ_PAUSE)));
            // Registers the wake-up. What arrives meanwhile is read at the next poll, whatever caused it.
            let _ = read_pause.as_mut().poll(context);
        }
        read.map(Ok)
    }

    /// Reads a few bytes. The next read waits for a pause, the longer the more frames are unread.
    fn read_slowly(
        &mut self,
        unread_frames: usize,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let mut few = [0; SLOW_READ_BYTES];
        let len = buffer.remaining().min(few.len());
        let mut few = ReadBuf::new(&mut few[..len]);
        ready!(Pin::new(&mut self.io).poll_read(context, &mut few))?;
        buffer.put_slice(few.filled());
        let times = u32::try_from(unread_frames / MAX_UNREAD_FRAMES).unwrap_or(u32::MAX);
        let pause = READ_PAUSE.saturating_mul(times).min(MAX_SLOW_READ_PAUSE);
        self.read_pause = Some(Box::pin(sleep(pause)));
        Poll::Ready(Ok(()))
    }
}

/// Fails the write when the peer has read nothing for too long. hyper's keepalive does not: it waits to send its PING.
fn or_stalled(
    stall_timeout: &mut Option<Pin<Box<Sleep>>>,
    polled: Poll<io::Result<usize>>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if polled.is_ready() {
        *stall_timeout = None;
        return polled;
    }
    let sleep = stall_timeout.get_or_insert_with(|| Box::pin(sleep(PEER_READ_TIMEOUT)));
    ready!(sleep.as_mut().poll(context));
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for CoalescingStream<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.flush == Flush::Deferred {
            self.flush = Flush::Due;
        }
        self.poll_bytes = 0;
        let read = self.read_or_pause(context, buffer);
        // A caller that only reads from now on, as h2 does in its handshake, must have its bytes sent all the same.
        if read.is_pending() && self.flush == Flush::Due && self.write_buffered(context)?.is_ready() {
            self.flush = Flush::Done;
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for CoalescingStream<IO> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = slices.iter().map(|slice| slice.len()).sum();
        ready!(self.make_room(bytes, context))?;
        if bytes > MAX_BUFFERED_BYTES {
            let this = &mut *self;
            let polled = Pin::new(&mut this.io).poll_write_vectored(context, slices);
            if let Poll::Ready(Ok(written)) = &polled {
                this.poll_bytes += written;
            }
            return or_stalled(&mut this.stall_timeout, polled, context);
        }
        if self.buffered.is_empty() {
            self.buffered.reserve(bytes.max(INITIAL_BUFFER_BYTES));
        }
        slices.iter().for_each(|slice| self.buffered.extend_from_slice(slice));
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.flush {
            Flush::Done if self.buffered.is_empty() => Pin::new(&mut self.io).poll_flush(context),
            Flush::Done => {
                self.flush = Flush::Deferred;
                context.waker().wake_by_ref();
                Poll::Ready(Ok(()))
            }
            Flush::Deferred => Poll::Ready(Ok(())),
            Flush::Due => {
                ready!(self.write_buffered(context))?;
                self.flush = Flush::Done;
                Pin::new(&mut self.io).poll_flush(context)
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.write_buffered(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// One poll as h2 does it: reads until nothing is left, writes each frame, flushes after each.
    fn turn(
        connection: &mut CoalescingStream<impl AsyncRead + AsyncWrite + Unpin>,
        frames: &mut Vec<Vec<u8>>,
        context: &mut Context<'_>,
    ) -> Poll<io::Result<()>> {
        let mut read = [0; 16];
        while Pin::new(&mut *connection).poll_read(context, &mut ReadBuf::new(&mut read))?.is_ready() {}
        while let Some(frame) = frames.first_mut() {
            let written = ready!(Pin::new(&mut *connection).poll_write(context, frame))?;
            frame.drain(..written);
            if frame.is_empty() {
                frames.remove(0);
            }
            ready!(Pin::new(&mut *connection).poll_flush(context))?;
        }
        ready!(Pin::new(&mut *connection).poll_flush(context))?;
        Poll::Pending
    }

    fn throttled(read_throttle: ReadThrottle) -> Peer {
        Peer { read_throttle, ..Peer::default() }
    }

    fn throttle(rejections: usize) -> ReadThrottle {
        let throttle = ReadThrottle::default();
        (0..rejections).for_each(|_| throttle.record_rejected());
        throttle
    }

    proptest! {
        #[test]
        fn all_writes_arrive_in_order_without_further_events(
            sizes in prop::collection::vec(prop_oneof![1usize..300, 1_000usize..200_000], 1..12),
            pipe in prop_oneof![1usize..100, 1_000usize..300_000],
            rejections in 0usize..40,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (near, mut far) = duplex(pipe);
                let frames: Vec<Vec<u8>> =
                    sizes.iter().zip(1u8..).map(|(size, byte)| vec![byte; *size]).collect();
                let expected = frames.concat();
                let server = tokio::spawn(async move {
                    let (mut connection, mut frames) = (CoalescingStream::new(near, &throttled(throttle(rejections))), frames);
                    poll_fn(|context| turn(&mut connection, &mut frames, context)).await
                });
                let mut arrived = vec![0; expected.len()];
                far.read_exact(&mut arrived).await.unwrap();
                server.abort();
                assert!(arrived == expected);
            });
        }
    }

    #[tokio::test]
    async fn a_deferred_flush_happens_when_the_next_poll_only_reads() {
        let (near, mut far) = duplex(1_000);
        let server = tokio::spawn(async move {
            let mut connection = CoalescingStream::new(near, &Peer::default());
            connection.write_all(b"settings").await.unwrap();
            connection.flush().await.unwrap();
            connection.read_u8().await
        });
        let mut read = [0; 8];
        far.read_exact(&mut read).await.unwrap();
        server.abort();
        assert_eq!(&read, b"settings");
    }

    #[tokio::test]
    async fn responses_of_one_poll_leave_together_and_a_shutdown_writes_all() {
        let (near, mut far) = duplex(1_000);
        let mut connection = CoalescingStream::new(near, &Peer::default());
        connection.write_all(b"head and data").await.unwrap();
        connection.flush().await.unwrap();
        connection.write_all(b", trailers").await.unwrap();
        connection.flush().await.unwrap();
        let mut read = Vec::new();
        let nothing = poll_fn(|context| {
            Poll::Ready(Pin::new(&mut far).poll_read(context, &mut ReadBuf::new(&mut [0; 8])))
        })
        .await;
        assert!(nothing.is_pending(), "both flushes are deferred");
        connection.shutdown().await.unwrap();
        drop(connection);
        far.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"head and data, trailers");
    }

    #[tokio::test]
    async fn a_poll_yields_after_a_few_writes() {
        let (near, _far) = duplex(1_000_000);
        let mut connection = CoalescingStream::new(near, &Peer::default());
        let mut written = Vec::new();
        poll_fn(|context| {
            let mut bytes = 0;
            while let Poll::Ready(wrote) = Pin::new(&mut connection).poll_write(context, &[7; 16_000])? {
                bytes += wrote;
            }
            written.push(bytes);
            if written.len() < 4 { Poll::Pending } else { Poll::Ready(io::Result::Ok(())) }
        })
        .await
        .unwrap();
        assert!(written.iter().all(|bytes| (64_000..=196_608).contains(bytes)), "{written:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn reads_are_gathered_while_requests_are_rejected() {
        let (near, mut far) = duplex(1_000);
        let mut connection = CoalescingStream::new(near, &throttled(throttle(100)));
        let mut read = [0; 10];
        let mut reads = async |connection: &mut CoalescingStream<_>| {
            let began = tokio::time::Instant::now();
            let count = connection.read(&mut read).await.unwrap();
            (count, began.elapsed() >= READ_PAUSE)
        };
        far.write_all(b"1").await.unwrap();
        assert_eq!(reads(&mut connection).await, (1, false));
        // Nothing is left to read: the pause begins.
        let mut nothing = Box::pin(reads(&mut connection));
        assert!(futures_util::poll!(&mut nothing).is_pending());
        far.write_all(b"23").await.unwrap();
        far.write_all(b"45").await.unwrap();
        assert_eq!(nothing.await, (4, true));
        drop(far);
        assert_eq!(reads(&mut connection).await, (0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_times_out_and_a_slow_one_does_not() {
        let (near, mut far) = duplex(1_000);
        let mut stream = CoalescingStream::new(near, &Peer::default());
        stream.write_all(&[1; 900]).await.unwrap();
        stream.write_all(&vec![2; 70_000]).await.unwrap_err();
        // A peer that reads within every timeout stays connected.
        let (near, mut slow) = duplex(1_000);
        let mut stream = CoalescingStream::new(near, &Peer::default());
        let reads = async {
            let mut read = vec![0; 70_000];
            for part in read.chunks_mut(10_000) {
                tokio::time::sleep(PEER_READ_TIMEOUT * 2 / 3).await;
                slow.read_exact(part).await.unwrap();
            }
        };
        let writes = async {
            stream.write_all(&vec![3; 70_000]).await.unwrap();
            stream.shutdown().await.unwrap();
        };
        tokio::join!(reads, writes);
        let mut read = [0; 900];
        far.read_exact(&mut read).await.unwrap();
    }
}
