//! Bounds the memory of what connections do not read: the responses that clients do not read, and the small frames of requests that
//! the server has not read yet.
//!
//! Windows bound the bytes of one stream and one connection, not of the whole server, and not the number of frames. Above a limit of
//! the whole server, the connections that hold the most, or have made no progress for longest, are closed. Others go on.

mod request_frames;
mod response_bytes;

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak,
        atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed},
    },
};

use tokio::{sync::Notify, time::Instant};

use self::request_frames::RequestFrames;
pub(super) use self::{request_frames::StreamFrames, response_bytes::ResponseBytes};
use crate::overload::fair_queue::FlowId;

/// Slots for unread request frames, in the whole server: 300 MB, as much as one connection could take within its window with frames of
/// one byte. See [`request_frames`] for their size.
const MAX_FRAME_SLOTS: usize = 1 << 20;
/// Time between two log messages about connections that were closed.
const LOG_INTERVAL_US: u64 = 10_000_000;
/// Time between two searches for connections to close: those that are closed release their memory meanwhile.
const EVICTION_INTERVAL_US: u64 = 10_000;

/// Unread data of the whole server; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Unread(Arc<Server>);

#[derive(Debug)]
struct Server {
    max_response_bytes: usize,
    max_frame_slots: usize,
    response_bytes: AtomicUsize,
    frame_slots: AtomicUsize,
    /// The time before which connections are not searched again.
    next_eviction_us: AtomicU64,
    next_log_us: AtomicU64,
    start: Instant,
    connections: Mutex<Vec<Weak<Connection>>>,
}

/// Unread data of one connection; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct ConnectionUnread(Arc<Connection>);

#[derive(Debug)]
struct Connection {
    server: Arc<Server>,
    response_bytes: AtomicUsize,
    /// The time of the last response frame that was written, or of the first that was not, after the start of the server.
    progress_us: AtomicU64,
    request_frames: Mutex<RequestFrames>,
    reads: AtomicUsize,
    /// The principal of its last call.
    principal: AtomicU64,
    eviction: OnceLock<Eviction>,
    must_close: Notify,
}

/// Why a connection is closed for what it holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Eviction {
    /// Clients do not read their responses.
    Responses,
    /// The server holds too many small frames of requests.
    RequestFrames,
}

impl Eviction {
    /// The value of the label `reason`.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Responses => "unread_responses",
            Self::RequestFrames => "unread_request_frames",
        }
    }
}

impl Unread {
    pub(crate) fn new(max_response_bytes: usize) -> Self {
        Self::with_limits(max_response_bytes, MAX_FRAME_SLOTS)
    }

    fn with_limits(max_response_bytes: usize, max_frame_slots: usize) -> Self {
        Self(Arc::new(Server {
            max_response_bytes,
            max_frame_slots,
            response_bytes: AtomicUsize::new(0),
            frame_slots: AtomicUsize::new(0),
            next_eviction_us: AtomicU64::new(0),
            next_log_us: AtomicU64::new(0),
            start: Instant::now(),
            connections: Mutex::default(),
        }))
    }

    /// The bytes of responses that clients have not read.
    pub(crate) fn response_bytes(&self) -> usize {
        self.0.response_bytes.load(Relaxed)
    }

    /// The frames of requests that the server has not read.
    pub(crate) fn request_frames(&self) -> usize {
        self.0.connections().iter().map(|connection| connection.request_frames().unread()).sum()
    }

    /// The unread data of a new connection.
    pub(crate) fn for_connection(&self) -> ConnectionUnread {
        let connection = Arc::new(Connection {
            server: Arc::clone(&self.0),
            response_bytes: AtomicUsize::new(0),
            progress_us: AtomicU64::new(0),
            request_frames: Mutex::default(),
            reads: AtomicUsize::new(0),
            principal: AtomicU64::new(0),
            eviction: OnceLock::new(),
            must_close: Notify::new(),
        });
        let mut connections = lock(&self.0.connections);
        // Removes closed connections whenever the number of connections has doubled.
        if connections.len() == connections.capacity() {
            connections.retain(|connection| connection.strong_count() > 0);
        }
        connections.push(Arc::downgrade(&connection));
        ConnectionUnread(connection)
    }
}

impl Default for ConnectionUnread {
    /// Of a connection that shares no limit with others.
    fn default() -> Self {
        Unread::with_limits(usize::MAX, usize::MAX).for_connection()
    }
}

impl ConnectionUnread {
    /// Sets the principal to whom the responses belong.
    pub(crate) fn set_principal(&self, principal: FlowId) {
        if self.0.principal.load(Relaxed) != principal.0 {
            self.0.principal.store(principal.0, Relaxed);
        }
    }

    /// Completes once the connection must be closed.
    pub(super) async fn evicted(&self) -> Eviction {
        loop {
            if let Some(eviction) = self.0.eviction.get() {
                return *eviction;
            }
            self.0.must_close.notified().await;
        }
    }

    /// Records that data arrived.
    pub(super) fn record_read(&self) {
        self.0.reads.fetch_add(1, Relaxed);
    }

    /// The number of reads in which data arrived.
    pub(super) fn reads(&self) -> usize {
        self.0.reads.load(Relaxed)
    }
}

impl Connection {
    fn request_frames(&self) -> MutexGuard<'_, RequestFrames> {
        lock(&self.request_frames)
    }

    fn evict(&self, eviction: Eviction) {
        if self.eviction.set(eviction).is_ok() {
            self.must_close.notify_one();
        }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        let slots = self.request_frames().counted_slots();
        self.server.frame_slots.fetch_sub(slots, Relaxed);
    }
}

impl Server {
    fn now_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn connections(&self) -> Vec<Arc<Connection>> {
        lock(&self.connections).iter().filter_map(Weak::upgrade).collect()
    }

    /// Returns whether a time has come, and moves it on by an interval.
    fn is_due(&self, time_us: &AtomicU64, interval_us: u64) -> bool {
        let (now, next) = (self.now_us(), time_us.load(Relaxed));
        now >= next && time_us.compare_exchange(next, now + interval_us, Relaxed, Relaxed).is_ok()
    }

    /// Closes connections in order, until the others are within the limit.
    fn evict(
        &self,
        open: &[Arc<Connection>],
        eviction: Eviction,
        mut excess: usize,
        held: impl Fn(&Connection) -> usize,
    ) {
        let mut closed = 0;
        for connection in open {
            if excess == 0 {
                break;
            }
            excess = excess.saturating_sub(held(connection));
            connection.evict(eviction);
            closed += 1;
        }
        if closed > 0 && self.is_due(&self.next_log_us, LOG_INTERVAL_US) {
            let reason = eviction.as_str();
            tracing::warn!(
                reason,
                connections = closed,
                "closing connections: too much unread data in memory"
            );
        }
    }

    /// Closes the connections without progress for longest, until the unread bytes of the others are within the limit. First those of
    /// principals that hold more than an equal share of the limit: others lose nothing by them.
    fn evict_slowest(&self) {
        if !self.is_due(&self.next_eviction_us, EVICTION_INTERVAL_US) {
            return;
        }
        let bytes = |connection: &Connection| connection.response_bytes.load(Relaxed);
        let (closing, mut open): (Vec<_>, Vec<_>) =
            self.connections().into_iter().partition(|connection| connection.eviction.get().is_some());
        let released: usize = closing.iter().map(|connection| bytes(connection)).sum();
        let excess = self.response_bytes.load(Relaxed).saturating_sub(self.max_response_bytes + released);
        // Closing a connection that holds less than half of an equal share would release little: these hold less than half of the limit
        // together.
        let min_bytes = self.max_response_bytes / (2 * open.len().max(1));
        open.retain(|connection| bytes(connection) > min_bytes);
        let mut of_principals: HashMap<u64, usize> = HashMap::new();
        for connection in &open {
            *of_principals.entry(connection.principal.load(Relaxed)).or_default() += bytes(connection);
        }
        let share = self.max_response_bytes / of_principals.len().max(1);
        open.sort_by_cached_key(|connection| {
            let of_principal = of_principals.get(&connection.principal.load(Relaxed));
            (of_principal.is_none_or(|bytes| *bytes <= share), connection.progress_us.load(Relaxed))
        });
        self.evict(&open, Eviction::Responses, excess, bytes);
    }

    /// Closes the connections with the most slots for frames, until those of the others are within the limit.
    fn evict_largest(&self) {
        let slots = |connection: &Connection| connection.request_frames().counted_slots();
        let (closing, mut open): (Vec<_>, Vec<_>) =
            self.connections().into_iter().partition(|connection| connection.eviction.get().is_some());
        let released: usize = closing.iter().map(|connection| slots(connection)).sum();
        let excess = self.frame_slots.load(Relaxed).saturating_sub(self.max_frame_slots + released);
        open.sort_by_cached_key(|connection| std::cmp::Reverse(slots(connection)));
        self.evict(&open, Eviction::RequestFrames, excess, slots);
    }
}

/// A panic leaves the numbers as they are, which is better than a server that serves nothing.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt;
    use hyper::body::Bytes;

    use super::*;

    fn is_evicted(connection: &ConnectionUnread) -> Option<Eviction> {
        connection.evicted().now_or_never()
    }

    #[tokio::test(start_paused = true)]
    async fn the_connections_without_progress_for_longest_are_closed() {
        let unread = Unread::with_limits(1_000, usize::MAX);
        tokio::time::advance(Duration::from_secs(1)).await;
        let connections = [(); 4].map(|()| unread.for_connection());
        let [stalled, slow, new, small] = &connections;
        let hold = |connection: &ConnectionUnread, len: usize| {
            Some(ResponseBytes::new(Bytes::from(vec![0; len]), connection))
        };
        // Held for longest, but less than half of an equal share.
        let few = hold(small, 100);
        let first = hold(stalled, 400);
        let [mut one, other] = [(); 2].map(|()| hold(slow, 200));
        small.0.progress_us.store(0, Relaxed);
        stalled.0.progress_us.store(1, Relaxed);
        slow.0.progress_us.store(2, Relaxed);
        drop(one.take());
        assert_eq!(slow.0.progress_us.load(Relaxed), 1_000_000, "a frame that was written is progress");
        assert_eq!(unread.response_bytes(), 700);
        assert_eq!(connections.each_ref().map(is_evicted), [None; 4]);
        let last = hold(new, 600);
        assert_eq!(connections.each_ref().map(is_evicted), [Some(Eviction::Responses), None, None, None]);
        // What a closing connection holds counts as released.
        unread.0.next_eviction_us.store(0, Relaxed);
        unread.0.evict_slowest();
        assert_eq!(is_evicted(slow), None);
        drop((few, first, other, last));
        assert_eq!(unread.response_bytes(), 0);
        assert!(connections.iter().all(|connection| connection.0.response_bytes.load(Relaxed) == 0));
    }

    #[tokio::test]
    async fn a_principal_within_its_share_keeps_its_slow_connection_while_another_holds_more() {
        let unread = Unread::with_limits(1_000, usize::MAX);
        let connections = [(); 3].map(|()| unread.for_connection());
        let hold = |at: usize, len: usize| ResponseBytes::new(Bytes::from(vec![0; len]), &connections[at]);
        for (connection, (principal, since)) in connections.iter().zip([(1, 0), (2, 1), (2, 2)]) {
            connection.set_principal(FlowId(principal));
            connection.0.progress_us.store(since, Relaxed);
        }
        let _held = [hold(0, 400), hold(1, 300), hold(2, 290)];
        for (connection, since) in connections.iter().zip(0..) {
            connection.0.progress_us.store(since, Relaxed);
        }
        let _last = hold(2, 100);
        assert_eq!(connections.each_ref().map(is_evicted), [None, Some(Eviction::Responses), None]);
    }

    #[tokio::test]
    async fn the_connections_with_the_most_unread_frames_are_closed() {
        let unread = Unread::with_limits(usize::MAX, 1_000);
        let connections = [(); 3].map(|()| unread.for_connection());
        for (connection, frames) in connections.iter().zip([200, 400, 100]) {
            (0..frames).for_each(|_| connection.record_frame(1));
        }
        assert_eq!(unread.request_frames(), 700);
        // Their memory is that of the next powers of two.
        assert_eq!(unread.0.frame_slots.load(Relaxed), 256 + 512 + 128);
        assert_eq!(connections.each_ref().map(is_evicted), [None; 3]);
        (0..100).for_each(|_| connections[2].record_frame(1));
        let expected = [None, Some(Eviction::RequestFrames), None];
        assert_eq!(connections.each_ref().map(is_evicted), expected);
        drop(connections);
        assert_eq!(unread.0.frame_slots.load(Relaxed), 0);
    }

    #[test]
    fn closed_connections_are_forgotten() {
        let unread = Unread::new(1_000);
        let _open = unread.for_connection();
        (0..1_000).for_each(|_| drop(unread.for_connection()));
        assert!(lock(&unread.0.connections).len() < 10);
    }
}
