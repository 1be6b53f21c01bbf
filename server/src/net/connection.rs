//! One HTTP/2 connection, from its first request until it closes.

use std::{
    mem,
    pin::{Pin, pin},
    time::{Duration, Instant},
};

use futures_util::{StreamExt, stream::FuturesUnordered};
use h2::{Ping, PingPong, Reason};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::watch,
    time::{interval, sleep, timeout},
};

use super::{
    RequestService,
    http2::Http2Connection,
    in_flight::InFlight,
    limits::{ConnectionLimits, DRAIN_TIMEOUT, GOAWAY_TIMEOUT, KEEPALIVE_INTERVAL, KEEPALIVE_TIMEOUT},
    peer::Peer,
    reset_limit::BUDGET_EXCEEDED,
    unread::{ConnectionUnread, Eviction},
};

/// Why a connection closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CloseReason {
    /// The peer left, or the connection drained.
    Graceful,
    /// The server closed it: the peer violated HTTP/2 or exceeded its limits.
    ProtocolError {
        /// True if that was within [`EARLY`] of its start. An older connection may exceed the reset budget without malice,
        /// when its calls wait and the client cancels them.
        is_early: bool,
    },
    /// The server closed it for the memory that it took. Its peer has violated nothing.
    Evicted(Eviction),
}

/// A connection that fails this soon was opened to do so.
const EARLY: Duration = Duration::from_secs(1);

/// Why a connection is not served any longer.
enum End {
    Ended(Result<(), h2::Error>),
    MustDrain,
    /// The peer acknowledges no PING.
    Lost,
    DrainTimeout,
    Evicted(Eviction),
}

/// Serves a connection until the peer closes it, it reaches its age or idle limit, or `drain` becomes true.
pub(crate) async fn serve_connection<IO>(
    io: IO,
    peer: Peer,
    service: impl RequestService,
    limits: &ConnectionLimits,
    mut drain: watch::Receiver<bool>,
) -> CloseReason
where
    IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let start = Instant::now();
    let (in_flight, unread) = (peer.in_flight.clone(), peer.unread.clone());
    let mut connection = match Http2Connection::handshake(io, peer, service).await {
        Ok(connection) => connection,
        Err(error) => return close_reason(&error, start),
    };
    let pings = connection.take_pings();
    // Polls a condition only when its timer or event wakes it: polling all of them whenever the connection reads or writes costs a
    // hundredth of a search.
    let mut conditions = FuturesUnordered::<Pin<Box<dyn Future<Output = End> + Send + '_>>>::new();
    conditions.push(Box::pin(async {
        tokio::select! {
            _ = drain.wait_for(|drain| *drain) => {}
            () = sleep(with_jitter(limits.max_age)) => {}
            () = idle(&in_flight, limits.max_idle) => {}
        }
        End::MustDrain
    }));
    conditions.push(Box::pin(async {
        tokio::select! {
            () = lost(pings, &in_flight, &unread) => End::Lost,
            eviction = unread.evicted() => End::Evicted(eviction),
        }
    }));
    let end = loop {
        let end = tokio::select! {
            biased;
            ended = connection.serve() => End::Ended(ended),
            Some(end) = conditions.next() => end,
        };
        let End::MustDrain = end else { break end };
        connection.drain();
        conditions.push(Box::pin(async {
            sleep(DRAIN_TIMEOUT).await;
            End::DrainTimeout
        }));
    };
    match end {
        End::Ended(Ok(())) => {}
        End::Ended(Err(error)) => return close_reason(&error, start),
        End::Lost => {
            tracing::debug!("connection closed: the peer acknowledges no PING");
            connection.close(Reason::NO_ERROR);
            drop(timeout(GOAWAY_TIMEOUT, connection.serve()).await);
        }
        End::Evicted(eviction) => {
            // Ends its streams, which releases what they hold.
            connection.close(Reason::ENHANCE_YOUR_CALM);
            drop(timeout(GOAWAY_TIMEOUT, connection.serve()).await);
            return CloseReason::Evicted(eviction);
        }
        End::MustDrain | End::DrainTimeout => {
            tracing::debug!("connection cut: its calls did not finish in time");
        }
    }
    CloseReason::Graceful
}

fn close_reason(error: &h2::Error, start: Instant) -> CloseReason {
    tracing::debug!(%error, "connection failed");
    let is_violation = error.is_go_away() && error.is_library();
    let is_over_budget = error.get_io().is_some_and(|error| error.kind() == BUDGET_EXCEEDED);
    if is_violation || is_over_budget {
        CloseReason::ProtocolError { is_early: start.elapsed() < EARLY }
    } else {
        CloseReason::Graceful
    }
}

/// Completes once the peer does not acknowledge a PING in time. Only connections without a new request get PINGs. Data that arrives is
/// as good as an acknowledgement, which may be behind a megabyte of frames that are read slowly.
async fn lost(pings: Option<PingPong>, in_flight: &InFlight, unread: &ConnectionUnread) {
    let Some(mut pings) = pings else { return std::future::pending().await };
    let mut started = in_flight.started();
    loop {
        sleep(KEEPALIVE_INTERVAL).await;
        if mem::replace(&mut started, in_flight.started()) != started {
            continue;
        }
        let mut acknowledged = pin!(pings.ping(Ping::opaque()));
        let mut reads = unread.reads();
        loop {
            match timeout(KEEPALIVE_TIMEOUT, &mut acknowledged).await {
                Ok(Ok(_)) => break,
                // The connection has ended.
                Ok(Err(_)) => return std::future::pending().await,
                Err(_) if mem::replace(&mut reads, unread.reads()) != reads => {}
                Err(_) => return,
            }
        }
    }
}

/// Completes once the connection has had no request for `max_idle`. Samples the counters: a timer that every request resets
/// would cost more than the precision of a tenth is worth.
async fn idle(in_flight: &InFlight, max_idle: Duration) {
    let mut ticks = interval((max_idle / 10).max(Duration::from_millis(10)));
    let (mut since, mut started) = (Instant::now(), in_flight.started());
    loop {
        ticks.tick().await;
        if in_flight.count() > 0 || in_flight.started() != started {
            (since, started) = (Instant::now(), in_flight.started());
        } else if since.elapsed() >= max_idle {
            return;
        }
    }
}

/// A duration up to a tenth shorter or longer.
fn with_jitter(duration: Duration) -> Duration {
    // Without a random source all connections drain together, which is no reason to stop serving.
    let random = getrandom::u32().unwrap_or(u32::MAX / 2);
    duration.mul_f64(0.9 + 0.2 * f64::from(random) / f64::from(u32::MAX))
}
