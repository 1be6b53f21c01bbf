//! Limits stream resets ("rapid reset", CVE-2023-44487).
//!
//! A stream that is reset makes room for another at once, so that [`MAX_CONCURRENT_STREAMS`] no longer bounds the work of a
//! connection. h2 counts only resets of streams that it has not handed on yet: a client that resets a hundred streams at a
//! time could do so indefinitely, and one that cancels as many calls while the server is stalled for a second would lose its
//! connection. This module counts them as the frames arrive: each connection has a budget, which streams that are not reset
//! refill, and time does slowly.

use std::{convert::Infallible, io, time::Instant};

use super::{length_prefix::FrameScanner, limits::MAX_CONCURRENT_STREAMS, preface::PREFACE};

/// Resets that a new connection may send: twice the number of its concurrent streams.
const INITIAL: f64 = 2.0 * MAX_CONCURRENT_STREAMS as f64;
/// Upper bound of the budget: a client that cancels calls after 100 ms resets as many when the server stalls for a second.
const MAX: f64 = 10.0 * MAX_CONCURRENT_STREAMS as f64;
/// Refill per second.
const PER_S: f64 = MAX_CONCURRENT_STREAMS as f64;
/// Refill per started stream, and cost of a reset.
const STARTED: f64 = 1.0;
const RESET: f64 = 2.0;

/// Frame types, and the length of a frame header (RFC 9113 §4.1, §6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const FRAME_HEADER_BYTES: usize = 9;

/// The reset budget of one connection.
#[derive(Debug)]
pub(super) struct ResetBudget {
    scanner: FrameScanner<FRAME_HEADER_BYTES>,
    /// The highest stream id that a HEADERS frame has opened.
    last_stream: u32,
    budget: f64,
    /// Time of the last refill by time.
    refilled: Instant,
}

/// Kind of the error of a peer that exceeded its budget: h2 keeps only the kind of an error, and sockets never return this one.
pub(super) const BUDGET_EXCEEDED: io::ErrorKind = io::ErrorKind::QuotaExceeded;

impl ResetBudget {
    pub(super) fn new(now: Instant) -> Self {
        Self { scanner: FrameScanner::after(PREFACE.len()), last_stream: 0, budget: INITIAL, refilled: now }
    }

    /// Scans data that arrived; `on_data` receives the stream of each DATA frame that h2 keeps.
    ///
    /// # Errors
    /// [`BUDGET_EXCEEDED`] when the peer has reset more streams than its budget allows.
    pub(super) fn scan(
        &mut self,
        data: &[u8],
        now: impl FnOnce() -> Instant,
        mut on_data: impl FnMut(u32),
    ) -> io::Result<()> {
        let (mut gained, mut spent) = (0.0, 0.0);
        let passed: Result<(), Infallible> = self.scanner.scan(data, |head| {
            let [l1, l2, l3, kind, flags, s1, s2, s3, s4] = *head;
            let length = u32::from_be_bytes([0, l1, l2, l3]) as usize;
            // The first bit is reserved, and h2 ignores it (RFC 9113 §4.1).
            let stream = u32::from_be_bytes([s1 & 0x7F, s2, s3, s4]);
            match kind {
                // h2 drops empty frames that do not end their stream, and closes a connection that sends a hundred of them.
                DATA if length > 0 || flags & END_STREAM != 0 => on_data(stream),
                // Trailers open no stream.
                HEADERS if stream > self.last_stream => {
                    (self.last_stream, gained) = (stream, gained + STARTED)
                }
                RST_STREAM => spent += RESET,
                _ => {}
            }
            Ok(length)
        });
        let Ok(()) = passed;
        if spent > 0.0 {
            let now = now();
            gained += PER_S * now.saturating_duration_since(self.refilled).as_secs_f64();
            self.refilled = now;
        }
        self.budget = (self.budget + gained - spent).min(MAX);
        if self.budget < 0.0 {
            return Err(io::Error::new(BUDGET_EXCEEDED, "the peer resets too many streams"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A client: its budget, the number of streams that it has opened, and the time.
    struct Client(ResetBudget, u32, Instant);

    impl Client {
        fn new() -> Self {
            let now = Instant::now();
            let mut resets = ResetBudget::new(now);
            resets.scan(PREFACE, || now, |_| {}).unwrap();
            Self(resets, 0, now)
        }

        /// Opens streams, and resets some of them.
        fn call(&mut self, started: u32, spent: u32) -> io::Result<()> {
            let Self(resets, last_stream, now) = self;
            let frame = |kind: u8, call: u32| {
                [&[0, 0, 2, kind, 0][..], &(2 * call + 1).to_be_bytes(), &[HEADERS, RST_STREAM]].concat()
            };
            let calls = *last_stream..*last_stream + started;
            *last_stream += started;
            let begins = calls.clone().flat_map(|call| frame(HEADERS, call));
            let ends = calls.take(spent as usize).flat_map(|call| frame(RST_STREAM, call));
            resets.scan(&begins.chain(ends).collect::<Vec<_>>(), || *now, |_| {})
        }

        /// The number of streams that it may open and reset in one moment.
        fn left(mut self) -> usize {
            (0..).take_while(|_| self.call(1, 1).is_ok()).count()
        }
    }

    #[test]
    fn a_new_connection_has_a_small_budget_and_completed_calls_raise_it() {
        assert_eq!(Client::new().left(), 200);
        let mut served = Client::new();
        served.call(100_000, 0).unwrap();
        assert_eq!(served.left(), 1_000);
    }

    #[test]
    fn resetting_half_of_all_streams_or_a_hundred_per_second_is_sustainable() {
        let mut half = Client::new();
        (0..1_000).for_each(|_| half.call(200, 100).unwrap());
        let mut slow = Client::new();
        for _ in 0..1_000 {
            slow.2 += Duration::from_secs(1);
            slow.call(100, 100).unwrap();
        }
        let mut fast = Client::new();
        let times = (0..1_000).take_while(|_| {
            fast.2 += Duration::from_millis(500);
            fast.call(100, 100).is_ok()
        });
        assert_eq!(times.count(), 4);
    }

    #[test]
    fn data_frames_that_h2_keeps_are_reported() {
        let Client(mut resets, _, now) = Client::new();
        let frame = |length: u8, flags: u8, stream: u8| {
            let head = [&[0, 0, length, DATA, flags, 0x80, 0, 0, stream][..], &[7; 9][..usize::from(length)]];
            head.concat()
        };
        let frames = [frame(5, 0, 1), frame(0, 0, 1), frame(0, END_STREAM, 3), frame(9, END_STREAM, 5)];
        let mut streams = Vec::new();
        resets.scan(&frames.concat(), || now, |stream| streams.push(stream)).unwrap();
        assert_eq!(streams, [1, 3, 5]);
    }

    #[test]
    fn trailers_open_no_stream_and_frames_are_found_byte_by_byte() {
        let Client(mut resets, _, now) = Client::new();
        let frame = |kind: u8| [0, 0, 0, kind, 0, 0, 0, 0, 1];
        let mut frames = frame(HEADERS).repeat(1_000);
        frames.extend(frame(RST_STREAM).repeat(1_000));
        let at = frames.iter().position(|byte| {
            resets.scan(&[*byte], || now, |_| {}).is_err_and(|error| error.kind() == BUDGET_EXCEEDED)
        });
        // One stream was opened, so the budget is 201, and a reset costs two: the 101st exceeds it.
        let (started, spent) = (1_000 * FRAME_HEADER_BYTES, 101 * FRAME_HEADER_BYTES);
        assert_eq!(at, Some(started + spent - 1));
    }
}
