//! What a connection writes, gathered: one system call for all answers that are ready, and not two for each.
//!
//! h2 hands a frame of data of more than 256 bytes to the socket before it takes the frame after it (`CHAIN_THRESHOLD` in
//! its `framed_write.rs`), so that an answer costs two writes: head and data, then trailers. Half of the server's
//! processor time went there (`cargo loadtest cost`). Here a flush only promises, and has the connection's task come round
//! once more, behind the tasks that are ready to run: what they answer meanwhile goes out with it. (In a turn that takes in a
//! new request hyper looks for another one, and what is promised goes out at once.) Alone, that costs a turn of the scheduler:
//! a microsecond.
//!
//! Where there is too much to do, or this connection's callers have used up their quotas, reading is gathered too: calls that come
//! within [`REST`] are read, and mostly refused, together. A refusal then costs a third of what it costs alone, and others, who are
//! not refused, have the rest.

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

use super::{read_throttle::Excess, reset_limit::Resets};
use crate::overload::state::Pressure;

/// More than this is written at once: large answers are not copied into ever larger memory.
const MOST_BYTES: usize = 64 * 1024;
/// Room for an answer or some small ones, taken at once.
const FEW_BYTES: usize = 8 * 1024;
/// How long nothing is read where calls are refused for the most part.
const REST: Duration = Duration::from_millis(10);
/// How long a peer may take nothing of what waits for it.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that gathers what is written to it. Made for h2, which in every turn reads until nothing is there and then
/// flushes: a flush is kept once something was read, or tried to be, after it was promised.
#[derive(Debug)]
pub(super) struct Gathered<IO> {
    io: IO,
    waiting: Vec<u8>,
    /// How much of it is written already.
    written: usize,
    flush: Flush,
    pressure: Pressure,
    excess: Excess,
    resets: Resets,
    /// Until then nothing is read.
    rest: Option<Pin<Box<Sleep>>>,
    /// Whether something was read since the last rest: who says nothing costs nothing.
    has_read: bool,
    /// Since when the peer has taken nothing, as the time at which it is given up.
    stalled: Option<Pin<Box<Sleep>>>,
}

/// What has become of the last flush.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Flush {
    Kept,
    Promised,
    Due,
}

impl<IO> Gathered<IO> {
    pub(super) fn new(io: IO, pressure: Pressure, excess: Excess) -> Self {
        Self {
            io,
            waiting: Vec::new(),
            written: 0,
            flush: Flush::Kept,
            pressure,
            excess,
            resets: Resets::new(Instant::now()),
            rest: None,
            has_read: false,
            stalled: None,
        }
    }
}

impl<IO: AsyncWrite + Unpin> Gathered<IO> {
    /// Writes all that waits.
    fn drain(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while let Some(left) = self.waiting.get(self.written..).filter(|left| !left.is_empty()) {
            let polled = Pin::new(&mut self.io).poll_write(context, left);
            let written = ready!(patiently(&mut self.stalled, polled, context))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.written += written;
        }
        self.written = 0;
        // An idle connection holds nothing.
        self.waiting = Vec::new();
        Poll::Ready(Ok(()))
    }

    /// Makes room for so many bytes more.
    fn make_room(&mut self, bytes: usize, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.waiting.len() + bytes > MOST_BYTES {
            return self.drain(context);
        }
        Poll::Ready(Ok(()))
    }
}

impl<IO: AsyncRead + Unpin> Gathered<IO> {
    /// Reads until nothing is there, and, where calls are refused for the most part, not again for a while.
    fn read_or_rest(&mut self, context: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(context));
            self.rest = None;
        }
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.io).poll_read(context, buffer)?;
        self.has_read |= read.is_ready();
        self.resets.pass(&buffer.filled()[before..], Instant::now)?;
        if read.is_pending() && self.has_read && (self.pressure.is_on() || self.excess.is_most()) {
            self.has_read = false;
            let rest = self.rest.insert(Box::pin(sleep(REST)));
            // It wakes the connection later; what is there by then is read whether it woke it or not.
            let _ = rest.as_mut().poll(context);
        }
        read.map(Ok)
    }
}

/// Gives up a peer that has taken nothing for too long. hyper's keepalive does not: it waits to tell the peer so.
fn patiently(
    stalled: &mut Option<Pin<Box<Sleep>>>,
    polled: Poll<io::Result<usize>>,
    context: &mut Context<'_>,
) -> Poll<io::Result<usize>> {
    if polled.is_ready() {
        *stalled = None;
        return polled;
    }
    let sleep = stalled.get_or_insert_with(|| Box::pin(sleep(PATIENCE)));
    ready!(sleep.as_mut().poll(context));
    Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the peer reads nothing")))
}

impl<IO: AsyncRead + AsyncWrite + Unpin> AsyncRead for Gathered<IO> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.flush == Flush::Promised {
            self.flush = Flush::Due;
        }
        let read = self.read_or_rest(context, buffer);
        // Whoever only reads from now on, as h2 does in a handshake, is to be heard all the same.
        if read.is_pending() && self.flush == Flush::Due && self.drain(context)?.is_ready() {
            self.flush = Flush::Kept;
        }
        read
    }
}

impl<IO: AsyncWrite + Unpin> AsyncWrite for Gathered<IO> {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(context, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        pieces: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let bytes = pieces.iter().map(|piece| piece.len()).sum();
        ready!(self.make_room(bytes, context))?;
        if bytes > MOST_BYTES {
            let this = &mut *self;
            let polled = Pin::new(&mut this.io).poll_write_vectored(context, pieces);
            return patiently(&mut this.stalled, polled, context);
        }
        if self.waiting.is_empty() {
            self.waiting.reserve(bytes.max(FEW_BYTES));
        }
        pieces.iter().for_each(|piece| self.waiting.extend_from_slice(piece));
        Poll::Ready(Ok(bytes))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.flush {
            Flush::Kept if self.waiting.is_empty() => Pin::new(&mut self.io).poll_flush(context),
            Flush::Kept => {
                self.flush = Flush::Promised;
                context.waker().wake_by_ref();
                Poll::Ready(Ok(()))
            }
            Flush::Promised => Poll::Ready(Ok(())),
            Flush::Due => {
                ready!(self.drain(context))?;
                self.flush = Flush::Kept;
                Pin::new(&mut self.io).poll_flush(context)
            }
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.drain(context))?;
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    /// One turn as h2 has it: reads until nothing is there, writes what there is, flushes after each.
    fn turn(
        connection: &mut Gathered<impl AsyncRead + AsyncWrite + Unpin>,
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

    fn pressure(is_on: bool) -> Pressure {
        let pressure = Pressure::default();
        pressure.of_queue().set(is_on);
        pressure
    }

    proptest! {
        #[test]
        fn all_that_is_written_arrives_in_order_without_anything_else_happening(
            sizes in prop::collection::vec(prop_oneof![1usize..300, 1_000usize..200_000], 1..12),
            pipe in prop_oneof![1usize..100, 1_000usize..300_000],
            is_pressed: bool,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
            runtime.block_on(async {
                let (near, mut far) = duplex(pipe);
                let frames: Vec<Vec<u8>> =
                    sizes.iter().zip(1u8..).map(|(size, byte)| vec![byte; *size]).collect();
                let expected = frames.concat();
                let server = tokio::spawn(async move {
                    let (mut connection, mut frames) = (Gathered::new(near, pressure(is_pressed), Excess::default()), frames);
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
    async fn what_was_promised_is_written_also_where_the_next_turn_only_reads() {
        let (near, mut far) = duplex(1_000);
        let server = tokio::spawn(async move {
            let mut connection = Gathered::new(near, Pressure::default(), Excess::default());
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
    async fn answers_of_one_turn_go_out_together_and_a_shutdown_leaves_none_behind() {
        let (near, mut far) = duplex(1_000);
        let mut connection = Gathered::new(near, Pressure::default(), Excess::default());
        connection.write_all(b"head and data").await.unwrap();
        connection.flush().await.unwrap();
        connection.write_all(b", trailers").await.unwrap();
        connection.flush().await.unwrap();
        let mut read = Vec::new();
        let nothing = poll_fn(|context| {
            Poll::Ready(Pin::new(&mut far).poll_read(context, &mut ReadBuf::new(&mut [0; 8])))
        })
        .await;
        assert!(nothing.is_pending(), "flushes were only promised");
        connection.shutdown().await.unwrap();
        drop(connection);
        far.read_to_end(&mut read).await.unwrap();
        assert_eq!(read, b"head and data, trailers");
    }

    #[tokio::test(start_paused = true)]
    async fn where_calls_are_refused_what_comes_is_read_together() {
        let excess = Excess::default();
        (0..100).for_each(|_| excess.refused());
        for (pressure, excess) in [(pressure(true), Excess::default()), (pressure(false), excess)] {
            read_together(pressure, excess).await;
        }
    }

    async fn read_together(pressure: Pressure, excess: Excess) {
        let (near, mut far) = duplex(1_000);
        let mut connection = Gathered::new(near, pressure, excess);
        let mut read = [0; 10];
        let mut reads = async |connection: &mut Gathered<_>| {
            let began = tokio::time::Instant::now();
            let count = connection.read(&mut read).await.unwrap();
            (count, began.elapsed() >= REST)
        };
        far.write_all(b"1").await.unwrap();
        assert_eq!(reads(&mut connection).await, (1, false));
        // Nothing is there: from here on it rests.
        let mut nothing = Box::pin(reads(&mut connection));
        assert!(futures_util::poll!(&mut nothing).is_pending());
        far.write_all(b"23").await.unwrap();
        far.write_all(b"45").await.unwrap();
        assert_eq!(nothing.await, (4, true));
        drop(far);
        assert_eq!(reads(&mut connection).await, (0, false));
    }

    #[tokio::test(start_paused = true)]
    async fn a_peer_that_reads_nothing_is_given_up() {
        let (near, mut far) = duplex(1_000);
        let mut gathered = Gathered::new(near, Pressure::default(), Excess::default());
        gathered.write_all(&[1; 900]).await.unwrap();
        gathered.write_all(&vec![2; 70_000]).await.unwrap_err();
        // One that reads now and then is not.
        let (near, mut slow) = duplex(1_000);
        let mut gathered = Gathered::new(near, Pressure::default(), Excess::default());
        let reads = async {
            let mut read = vec![0; 70_000];
            for part in read.chunks_mut(10_000) {
                tokio::time::sleep(PATIENCE * 2 / 3).await;
                slow.read_exact(part).await.unwrap();
            }
        };
        let writes = async {
            gathered.write_all(&vec![3; 70_000]).await.unwrap();
            gathered.shutdown().await.unwrap();
        };
        tokio::join!(reads, writes);
        let mut read = [0; 900];
        far.read_exact(&mut read).await.unwrap();
    }
}
