//! The accept loop, and the way of each connection from its socket to its first request.

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
    RequestService,
    connection::{CloseReason, serve_connection},
    connection_limits::{ConnectionLimiter, ConnectionPermit},
    http1,
    limits::{ConnectionLimits, PREFACE_TIMEOUT, TLS_HANDSHAKE_TIMEOUT},
    message_limits::PendingBytes,
    peer::Peer,
    preface::{PrefaceError, read_preface},
    tls::{Handshake, Tls},
    unread::Unread,
    write_coalescing::CoalescingStream,
    wrong_protocol::{WrongProtocol, WrongProtocolLog},
};
use crate::{
    auth::client_certificates::{expiry_of, names_in},
    telemetry::metrics::Metrics,
};

/// Pause after the system refuses a connection, which stays in the socket's backlog.
const ACCEPT_RETRY_DELAY: Duration = Duration::from_millis(100);

/// State that all connections share.
#[derive(Clone)]
pub(crate) struct ServerContext {
    pub(crate) tls: Option<Tls>,
    pub(crate) limits: ConnectionLimits,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) unread: Unread,
    /// True if clients may speak HTTP/1.1.
    pub(crate) has_http1: bool,
}

/// Serves until `stop` completes, and then until all connections have drained.
pub(crate) async fn serve(
    listener: TcpListener,
    service: impl RequestService,
    context: ServerContext,
    stop: impl Future<Output = ()>,
) {
    let limiter = ConnectionLimiter::new(&context.limits);
    let (start_drain, drain) = watch::channel(false);
    let pending_bytes = PendingBytes::default();
    let wrong_protocols = WrongProtocolLog::default();
    let mut connections = JoinSet::new();
    let mut stop = pin!(stop);
    // Logged once per outage of file descriptors or memory, not ten times a second.
    let mut is_out_of_resources = false;
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = &mut stop => break,
            Some(_) = connections.join_next() => continue,
        };
        match accepted {
            Ok((socket, address)) => match limiter.acquire(address.ip(), Instant::now()) {
                Ok(permit) => {
                    let peer = Peer {
                        address: Some(address.ip().to_canonical()),
                        pending_bytes: pending_bytes.for_connection(),
                        unread: context.unread.for_connection(),
                        ..Peer::default()
                    };
                    let connection = ConnectionContext {
                        _open: OpenConnection::new(Arc::clone(&context.metrics)),
                        server: context.clone(),
                        permit,
                        drain: drain.clone(),
                        wrong_protocols: wrong_protocols.clone(),
                    };
                    connections.spawn(connection.start(socket, peer, service.clone()));
                }
                // Dropping the socket closes it at once: the client sees that and does not wait.
                Err(rejection) => reject(&context.metrics, rejection.as_str()),
            },
            Err(error) if is_peer_error(&error) => {}
            Err(error) => {
                if !std::mem::replace(&mut is_out_of_resources, true) {
                    tracing::error!(%error, "cannot accept connections; retrying");
                }
                sleep(ACCEPT_RETRY_DELAY).await;
                continue;
            }
        }
        is_out_of_resources = false;
    }
    drop(listener);
    start_drain.send_replace(true);
    while connections.join_next().await.is_some() {}
}

/// One open connection in the metrics, until it is dropped.
struct OpenConnection(Arc<Metrics>);

impl OpenConnection {
    fn new(metrics: Arc<Metrics>) -> Self {
        metrics.connections.open.inc();
        Self(metrics)
    }
}

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.connections.open.dec();
    }
}

fn reject(metrics: &Metrics, reason: &str) {
    metrics.connections.rejected.with_label_values(&[reason]).inc();
    tracing::debug!(reason, "connection rejected");
}

/// State of one connection.
struct ConnectionContext {
    server: ServerContext,
    permit: ConnectionPermit,
    drain: watch::Receiver<bool>,
    wrong_protocols: WrongProtocolLog,
    _open: OpenConnection,
}

impl ConnectionContext {
    async fn start(self, socket: TcpStream, peer: Peer, service: impl RequestService) {
        // Small responses must not wait for the acknowledgement of earlier ones (Nagle's algorithm).
        if let Err(error) = socket.set_nodelay(true) {
            return tracing::debug!(%error, "connection failed");
        }
        let Some(tls) = self.server.tls.clone() else { return self.serve(socket, peer, service).await };
        match timeout(TLS_HANDSHAKE_TIMEOUT, tls.accept(socket, self.server.has_http1)).await {
            Ok(Ok(Handshake::Completed(stream))) => {
                let certificate = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
                let certificate_names =
                    certificate.map(|certificate| names_in(certificate)).unwrap_or_default().into();
                let certificate_expiry_s = certificate.and_then(|certificate| expiry_of(certificate));
                let peer = Peer { certificate_names, certificate_expiry_s, ..peer };
                self.serve(stream, peer, service).await;
            }
            Ok(Ok(Handshake::Plaintext(socket))) => {
                reject(&self.server.metrics, "tls_handshake_failed");
                let (protocol, client) = match timeout(PREFACE_TIMEOUT, read_preface(socket)).await {
                    Ok(Ok(client)) => (WrongProtocol::Http2WithoutTls, client),
                    Ok(Err(PrefaceError::OtherProtocol(client))) => {
                        (WrongProtocol::without_tls(&client), client)
                    }
                    Ok(Err(PrefaceError::Io(_))) | Err(_) => return,
                };
                self.wrong_protocols.log(protocol, peer.address);
                protocol.answer(client).await;
            }
            Ok(Err(error)) => {
                // The client offers HTTP/1.1 only; TLS itself sends it the alert `no_application_protocol`.
                if has_no_application_protocol(&error) {
                    self.wrong_protocols.log(WrongProtocol::Http1, peer.address);
                }
                tracing::debug!(%error, "TLS handshake failed");
                reject(&self.server.metrics, "tls_handshake_failed");
            }
            Err(_) => reject(&self.server.metrics, "tls_timeout"),
        }
    }

    async fn serve<IO>(self, io: IO, peer: Peer, service: impl RequestService)
    where
        IO: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let ServerContext { limits, metrics, .. } = &self.server;
        match timeout(PREFACE_TIMEOUT, read_preface(io)).await {
            Ok(Ok(io)) => {
                let io = CoalescingStream::new(io, &peer);
                match serve_connection(io, peer, service, limits, self.drain).await {
                    CloseReason::Graceful => {}
                    CloseReason::ProtocolError { is_early } => {
                        reject(metrics, "protocol_error");
                        if is_early {
                            self.permit.record_protocol_error(Instant::now());
                        }
                    }
                    CloseReason::Evicted(eviction) => reject(metrics, eviction.as_str()),
                }
            }
            Ok(Err(PrefaceError::Io(error))) => {
                tracing::debug!(%error, "connection did not start with the HTTP/2 preface");
                reject(metrics, "bad_preface");
            }
            Ok(Err(PrefaceError::OtherProtocol(client))) if self.server.has_http1 => {
                let eviction = http1::serve_connection(client, peer, service, limits, self.drain).await;
                if let Some(eviction) = eviction {
                    reject(metrics, eviction.as_str());
                }
            }
            // No protocol error: a misconfigured client or health check must not get its IP banned, and the answer is cheap.
            Ok(Err(PrefaceError::OtherProtocol(client))) => {
                reject(metrics, "bad_preface");
                let protocol = WrongProtocol::of(&client);
                self.wrong_protocols.log(protocol, peer.address);
                protocol.answer(client).await;
            }
            Err(_) => reject(metrics, "preface_timeout"),
        }
    }
}

fn has_no_application_protocol(error: &io::Error) -> bool {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref());
    matches!(cause, Some(rustls::Error::NoApplicationProtocol))
}

/// Returns whether accepting failed because of that one connection, which closed before it was accepted.
fn is_peer_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
