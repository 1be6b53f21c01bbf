//! How many of its calls a peer gives up ("rapid reset", CVE-2023-44487).
//!
//! A call that is given up makes room for another one at once: what [`STREAMS`] bounds is then bounded no more. h2 counts only those
//! that it has not handed on yet. That lets whoever gives up a hundred at a time do so for ever, and ends the connection of whoever
//! gave up as many while we did not run for a second. So they are counted here, as the frames go by: a peer has credit, which it
//! gains by calls that it does not give up, and a little with the time.

use std::{convert::Infallible, io, time::Instant};

use super::{connection::STREAMS, length_prefix::Framing, preface::PREFACE};

/// A connection begins with credit for so many calls that are given up: twice what it may have under way.
const FIRST: f64 = 2.0 * STREAMS as f64;
/// The most that it may gain. Whoever waits for 100 ms and not longer has given up as many once we have not run for a second.
const MOST: f64 = 10.0 * STREAMS as f64;
/// What it gains in a second, whatever it does.
const PER_S: f64 = STREAMS as f64;
/// What a call is worth that begins, and what it costs to give one up.
const BEGUN: f64 = 1.0;
const GIVEN_UP: f64 = 2.0;

/// Types of frames and the bytes of their head (RFC 9113, 4.1 and 6).
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const HEAD_BYTES: usize = 9;

/// What a peer may still give up.
#[derive(Debug)]
pub(super) struct Resets {
    framing: Framing<HEAD_BYTES>,
    /// The last call that has begun.
    last: u32,
    credit: f64,
    /// When it last gained with the time.
    since: Instant,
}

/// How the error of a peer without credit is known: h2 keeps of an error no more than its kind, and sockets have none of this.
pub(super) const NO_CREDIT: io::ErrorKind = io::ErrorKind::QuotaExceeded;

impl Resets {
    pub(super) fn new(now: Instant) -> Self {
        Self { framing: Framing::after(PREFACE.len()), last: 0, credit: FIRST, since: now }
    }

    /// Goes over what has come.
    ///
    /// # Errors
    /// The peer has given up more calls than it has credit for.
    pub(super) fn pass(&mut self, data: &[u8], now: impl FnOnce() -> Instant) -> io::Result<()> {
        let (mut gained, mut given_up) = (0.0, 0.0);
        let passed: Result<(), Infallible> = self.framing.pass(data, |head| {
            let [length @ .., kind, _flags, s1, s2, s3, s4] = *head;
            let stream = u32::from_be_bytes([s1, s2, s3, s4]);
            match kind {
                // Trailers begin none.
                HEADERS if stream > self.last => (self.last, gained) = (stream, gained + BEGUN),
                RST_STREAM => given_up += GIVEN_UP,
                _ => {}
            }
            let [l1, l2, l3] = length;
            Ok(u32::from_be_bytes([0, l1, l2, l3]) as usize)
        });
        let Ok(()) = passed;
        if given_up > 0.0 {
            let now = now();
            gained += PER_S * now.saturating_duration_since(self.since).as_secs_f64();
            self.since = now;
        }
        self.credit = (self.credit + gained - given_up).min(MOST);
        if self.credit < 0.0 {
            return Err(io::Error::new(NO_CREDIT, "the peer gives up too many of its calls"));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// A peer: what it has credit for, how many calls it has begun, and the time.
    struct Caller(Resets, u32, Instant);

    impl Caller {
        fn new() -> Self {
            let now = Instant::now();
            let mut resets = Resets::new(now);
            resets.pass(PREFACE, || now).unwrap();
            Self(resets, 0, now)
        }

        /// Begins calls, and gives some of them up.
        fn call(&mut self, begun: u32, given_up: u32) -> io::Result<()> {
            let Self(resets, last, now) = self;
            let frame = |kind: u8, call: u32| {
                [&[0, 0, 2, kind, 0][..], &(2 * call + 1).to_be_bytes(), &[HEADERS, RST_STREAM]].concat()
            };
            let calls = *last..*last + begun;
            *last += begun;
            let begins = calls.clone().flat_map(|call| frame(HEADERS, call));
            let ends = calls.take(given_up as usize).flat_map(|call| frame(RST_STREAM, call));
            resets.pass(&begins.chain(ends).collect::<Vec<_>>(), || *now)
        }

        /// How many calls it may begin and give up in one moment.
        fn left(mut self) -> usize {
            (0..).take_while(|_| self.call(1, 1).is_ok()).count()
        }
    }

    #[test]
    fn a_new_peer_gives_up_some_calls_and_one_that_was_served_many() {
        assert_eq!(Caller::new().left(), 200);
        let mut served = Caller::new();
        served.call(100_000, 0).unwrap();
        assert_eq!(served.left(), 1_000);
    }

    #[test]
    fn whoever_gives_up_half_of_its_calls_or_a_hundred_a_second_may_do_so_for_ever() {
        let mut half = Caller::new();
        (0..1_000).for_each(|_| half.call(200, 100).unwrap());
        let mut slow = Caller::new();
        for _ in 0..1_000 {
            slow.2 += Duration::from_secs(1);
            slow.call(100, 100).unwrap();
        }
        let mut fast = Caller::new();
        let times = (0..1_000).take_while(|_| {
            fast.2 += Duration::from_millis(500);
            fast.call(100, 100).is_ok()
        });
        assert_eq!(times.count(), 4);
    }

    #[test]
    fn trailers_are_no_calls_and_a_reset_is_seen_byte_by_byte() {
        let Caller(mut resets, _, now) = Caller::new();
        let frame = |kind: u8| [0, 0, 0, kind, 0, 0, 0, 0, 1];
        let mut frames = frame(HEADERS).repeat(1_000);
        frames.extend(frame(RST_STREAM).repeat(1_000));
        let at = frames
            .iter()
            .position(|byte| resets.pass(&[*byte], || now).is_err_and(|error| error.kind() == NO_CREDIT));
        // One begun, for which there is credit for 201 ones, two of which a reset costs; the next one is too much.
        let (begun, given_up) = (1_000 * HEAD_BYTES, 101 * HEAD_BYTES);
        assert_eq!(at, Some(begun + given_up - 1));
    }
}
