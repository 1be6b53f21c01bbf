//! A pool of HTTP/2 connections, reopened when they fail, each with a limit of concurrent streams.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::{HeaderValue, Method, Request, Version, header};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::{timeout, timeout_at},
};
use tokio_rustls::TlsConnector;

use super::{
    call::{Call, Path, Reply},
    code::Code,
    stream::Stream,
    target::Target,
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Flow-control windows: large enough that the generator never throttles a response.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 1 << 24;

/// A pool of connections, used round-robin.
#[derive(Clone, Debug)]
pub struct ConnectionPool {
    target: Arc<Target>,
    connections: Arc<[Connection]>,
    next: Arc<AtomicUsize>,
    /// Request heads by method, built once and then cloned.
    heads: Arc<RwLock<HashMap<Path, Request<()>>>>,
}

#[derive(Debug)]
struct Connection {
    send: Mutex<Option<SendRequest<Bytes>>>,
    slots: Semaphore,
}

/// A slot for one stream on a connection.
struct StreamSlot<'p> {
    connection: &'p Connection,
    permit: SemaphorePermit<'p>,
}

impl ConnectionPool {
    /// Opens a number of connections, each limited to `streams` concurrent streams.
    ///
    /// # Errors
    /// The server cannot be reached.
    pub async fn open(target: Target, connections: usize, streams: usize) -> io::Result<Self> {
        let mut opened = Vec::with_capacity(connections);
        for _ in 0..connections.max(1) {
            let send = Mutex::new(Some(connect(&target).await?));
            opened.push(Connection { send, slots: Semaphore::new(streams.max(1)) });
        }
        Ok(Self {
            target: Arc::new(target),
            connections: opened.into(),
            next: Arc::default(),
            heads: Arc::default(),
        })
    }

    /// Returns the number of connections.
    #[must_use]
    pub fn count(&self) -> usize {
        self.connections.len()
    }

    /// Returns the server that the pool connects to.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// Sends one or more messages and waits for the complete response.
    pub async fn call(&self, call: &Call) -> Reply {
        let begun = Instant::now();
        let (mut sent, mut message) = (None, None);
        let exchange = async {
            let mut stream = self.start(call.path, Some(call.deadline), call.keep_messages).await?;
            sent = Some(Instant::now());
            stream.send_data(call.messages.clone(), true)?;
            let mut messages = Vec::new();
            while let Some(message) = stream.message().await? {
                messages.push(message);
            }
            message = stream.take_message();
            let (code, bytes) = stream.end();
            Ok((code, messages, bytes))
        };
        let ended = timeout_at(call.deadline.into(), exchange).await.unwrap_or(Err(Code::DEADLINE_EXCEEDED));
        let (code, messages, bytes) = ended.unwrap_or_else(|code| (code, Vec::new(), 0));
        let waited = Some(sent.unwrap_or_else(Instant::now).saturating_duration_since(begun));
        Reply { code, message, messages, bytes, sent, waited }
    }

    /// Starts a bidirectional stream with its first message, without a deadline.
    ///
    /// # Errors
    /// The connection has failed.
    pub async fn open_stream(&self, path: Path, first: Bytes) -> Result<Stream<'_>, Code> {
        let mut stream = self.start(path, None, true).await?;
        stream.send_data(first, false)?;
        Ok(stream)
    }

    async fn start(
        &self,
        path: Path,
        deadline: Option<Instant>,
        keep_messages: bool,
    ) -> Result<Stream<'_>, Code> {
        let slot = self.slot().await?;
        let mut request = self.head(path)?;
        if let Some(deadline) = deadline {
            let remaining = deadline.saturating_duration_since(Instant::now());
            request.headers_mut().insert("grpc-timeout", timeout_value(remaining)?);
        }
        let send = self.ready(slot.connection).await?;
        let opened = { send }.send_request(request, false).map_err(|_| Code::UNAVAILABLE)?;
        Ok(Stream::new(opened, slot.permit, keep_messages))
    }

    /// Returns the request head of a method, without the headers that differ per call.
    fn head(&self, path: Path) -> Result<Request<()>, Code> {
        let cached = self.heads.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(head) = cached {
            return Ok(head);
        }
        let scheme = if self.target.tls.is_some() { "https" } else { "http" };
        let mut head = Request::builder()
            .method(Method::POST)
            .version(Version::HTTP_2)
            .uri(format!("{scheme}://{}{path}", self.target.authority))
            .header(header::TE, "trailers")
            .header(header::CONTENT_TYPE, "application/grpc")
            .body(())
            .map_err(|_| Code::INTERNAL)?;
        if let Some(key) = &self.target.authorization {
            head.headers_mut().insert(header::AUTHORIZATION, key.clone());
        }
        self.heads.write().unwrap_or_else(PoisonError::into_inner).insert(path, head.clone());
        Ok(head)
    }

    /// Acquires a slot on the next connection with a free one; if all are full, waits for one on the next connection.
    async fn slot(&self) -> Result<StreamSlot<'_>, Code> {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.connections.len();
        for connection in self.connections[at..].iter().chain(&self.connections[..at]) {
            if let Ok(permit) = connection.slots.try_acquire() {
                return Ok(StreamSlot { connection, permit });
            }
        }
        let connection = &self.connections[at];
        let permit = connection.slots.acquire().await.map_err(|_| Code::UNAVAILABLE)?;
        Ok(StreamSlot { connection, permit })
    }

    /// Returns a sender of the connection, reopened if it has failed.
    async fn ready(&self, connection: &Connection) -> Result<SendRequest<Bytes>, Code> {
        let mut kept = connection.send.lock().await;
        if let Some(send) = kept.clone()
            && let Ok(send) = send.ready().await
        {
            return Ok(send);
        }
        // The lock is held while connecting, so that one caller reconnects and the others wait for it.
        let send = connect(&self.target).await.map_err(|_| Code::UNAVAILABLE)?;
        *kept = Some(send.clone());
        Ok(send)
    }
}

async fn connect(target: &Target) -> io::Result<SendRequest<Bytes>> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 s");
    timeout(CONNECT_TIMEOUT, async {
        let socket = TcpStream::connect(&target.address).await?;
        socket.set_nodelay(true)?;
        match &target.tls {
            None => handshake(socket).await,
            Some((config, name)) => {
                handshake(TlsConnector::from(Arc::clone(config)).connect(name.clone(), socket).await?).await
            }
        }
    })
    .await
    .map_err(late)?
}

async fn handshake(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<SendRequest<Bytes>> {
    let mut builder = client::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false);
    let (send, connection) = builder.handshake(socket).await.map_err(io::Error::other)?;
    // The calls on the connection observe its errors.
    tokio::spawn(async move { drop(connection.await) });
    send.ready().await.map_err(io::Error::other)
}

/// Encodes a `grpc-timeout`: in microseconds if they fit the eight digits that gRPC allows (100 s).
fn timeout_value(remaining: Duration) -> Result<HeaderValue, Code> {
    let text = match remaining.as_micros() {
        0 => return Err(Code::DEADLINE_EXCEEDED),
        micros @ 1..=99_999_999 => format!("{micros}u"),
        _ => format!("{}m", remaining.as_millis().min(99_999_999)),
    };
    HeaderValue::from_str(&text).map_err(|_| Code::INTERNAL)
}
