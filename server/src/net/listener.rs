//! Takes connections in.

use std::{
    io,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::{sleep, timeout},
};

use super::{
    Answers, ConnectionLimits, FIRST_BYTES, HANDSHAKE, Peer, Tls,
    connection::{Left, serve_one},
    connection_limits::{Place, Places},
    message_limits::Unfinished,
    preface::Begun,
    write_coalescing::Gathered,
};
use crate::{auth::names_in, overload::state::Pressure, telemetry::metrics::Metrics};

/// How long to wait where the system has no room for a connection: it stays in the queue of the socket.
const PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, and then until all connections have left.
pub(crate) async fn serve(
    listener: TcpListener,
    tls: Option<Tls>,
    answers: impl Answers,
    (limits, metrics, pressure): (ConnectionLimits, Arc<Metrics>, Pressure),
    stop: impl Future<Output = ()>,
) {
    let places = Places::new(limits.most, limits.most_an_address, limits.most_breaches);
    let (say_goodbye, goodbye) = watch::channel(false);
    let unfinished = Unfinished::default();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    // Whether the system is out of file descriptors or memory: said once, not ten times a second.
    let mut is_out = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, address)) => match places.take(address.ip(), Instant::now()) {
                Ok(place) => {
                    let place = (place, Connected::new(Arc::clone(&metrics)));
                    let rules = (limits.clone(), pressure.clone(), goodbye.clone());
                    let peer = Peer {
                        address: Some(address.ip().to_canonical()),
                        unfinished: unfinished.of_connection(),
                        ..Peer::default()
                    };
                    let begun = begin(socket, peer, place, tls.clone(), answers.clone(), rules);
                    connections.spawn(begun);
                }
                // It is closed at once: whoever connects sees it, and does not wait for what will not come.
                Err(why) => refuse(&metrics, why.as_str()),
            },
            Err(error) if is_of_the_peer(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut is_out, true) {
                    tracing::error!(%error, "no connection can be taken in; trying again until one can");
                }
                sleep(PAUSE).await;
                continue;
            }
        }
        is_out = false;
    }
    drop(listener);
    say_goodbye.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// A connection that is there, for as long as this lives.
struct Connected(Arc<Metrics>);

impl Connected {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.connections.now.inc();
        Self(metrics)
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        self.0.connections.now.dec();
    }
}

fn refuse(metrics: &Metrics, reason: &str) {
    metrics.connections.refused.with_label_values(&[reason]).inc();
    tracing::debug!(reason, "a connection was refused");
}

/// What a connection may do, whether there is too much to do, and when all are to leave.
type Rules = (ConnectionLimits, Pressure, watch::Receiver<bool>);

/// Brings a connection so far that calls can come.
async fn begin(
    socket: TcpStream,
    peer: Peer,
    (place, connected): (Place, Connected),
    tls: Option<Tls>,
    answers: impl Answers,
    rules: Rules,
) {
    // Small answers must not wait for one another's acknowledgement.
    if let Err(error) = socket.set_nodelay(true) {
        return tracing::debug!(%error, "a connection broke");
    }
    let Some(tls) = tls else {
        return listen_to(socket, peer, answers, rules, (&place, &connected)).await;
    };
    match timeout(HANDSHAKE, tls.accept(socket)).await {
        Ok(Ok(stream)) => {
            let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
            let certificate = shown.map(|certificate| names_in(certificate)).unwrap_or_default().into();
            let held = (&place, &connected);
            listen_to(stream, Peer { certificate, ..peer }, answers, rules, held).await;
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a TLS handshake failed");
            refuse(&connected.0, "handshake_failed");
        }
        Err(_) => refuse(&connected.0, "handshake_slow"),
    }
}

async fn listen_to<IO: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    io: IO,
    peer: Peer,
    answers: impl Answers,
    rules: Rules,
    (place, connected): (&Place, &Connected),
) {
    let (limits, pressure, goodbye) = rules;
    match timeout(FIRST_BYTES, Begun::read(io)).await {
        Ok(Ok(io)) => {
            let io = Gathered::new(io, pressure, peer.excess.clone());
            if let Left::Broke { soon } = serve_one(io, peer, answers, &limits, goodbye).await {
                refuse(&connected.0, "broke_rules");
                if soon {
                    place.breached(Instant::now());
                }
            }
        }
        Ok(Err(error)) => {
            tracing::debug!(%error, "a connection did not begin as HTTP/2");
            refuse(&connected.0, "not_http_2");
        }
        Err(_) => refuse(&connected.0, "silent"),
    }
}

/// Whether it was that one connection: it went away before it was taken in.
fn is_of_the_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
