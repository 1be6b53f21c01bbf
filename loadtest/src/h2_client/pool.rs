//! Connections to a server: made again when they break, each with so many streams at a time.

use std::{
    collections::HashMap,
    io,
    sync::{
        Arc, PoisonError, RwLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use h2::{
    RecvStream, SendStream,
    client::{self, ResponseFuture, SendRequest},
};
use http::{Method, Request, Version, header};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    sync::{Mutex, Semaphore, SemaphorePermit},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Code, Path, Target, framing::Unframe};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// Large enough that the generator never holds an answer back.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 1 << 24;

/// Connections, used in turns.
#[derive(Clone, Debug)]
pub struct Lines {
    target: Arc<Target>,
    lines: Arc<[Line]>,
    next: Arc<AtomicUsize>,
    /// Made once for each method.
    heads: Arc<RwLock<HashMap<Path, Request<()>>>>,
}

#[derive(Debug)]
struct Line {
    send: Mutex<Option<SendRequest<Bytes>>>,
    streams: Semaphore,
}

/// A place for a stream.
pub(super) struct Place<'l> {
    line: &'l Line,
    permit: SemaphorePermit<'l>,
}

/// A call that is under way.
pub struct Stream<'l> {
    send: SendStream<Bytes>,
    answer: Option<ResponseFuture>,
    body: Option<RecvStream>,
    unframe: Unframe,
    bytes: u64,
    code: Option<Code>,
    /// What the server says of it.
    reason: Option<String>,
    /// Given back last, when the stream has ended.
    _place: SemaphorePermit<'l>,
}

impl std::fmt::Debug for Stream<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Stream")
    }
}

impl Lines {
    /// Opens so many connections.
    ///
    /// # Errors
    /// The server does not answer.
    pub async fn open(target: Target, connections: usize, streams: usize) -> io::Result<Self> {
        let mut lines = Vec::with_capacity(connections);
        for _ in 0..connections.max(1) {
            let send = Mutex::new(Some(connect(&target).await?));
            lines.push(Line { send, streams: Semaphore::new(streams.max(1)) });
        }
        Ok(Self {
            target: Arc::new(target),
            lines: lines.into(),
            next: Arc::default(),
            heads: Arc::default(),
        })
    }

    /// How many connections there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.lines.len()
    }

    /// Where they go.
    #[must_use]
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The head of a call, without what is of this call alone.
    pub(super) fn head(&self, path: Path) -> Result<Request<()>, Code> {
        let kept = self.heads.read().unwrap_or_else(PoisonError::into_inner).get(path).cloned();
        if let Some(head) = kept {
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

    /// A place for a stream on the next connection that has one, or on the next one once it has.
    pub(super) async fn place(&self) -> Result<Place<'_>, Code> {
        let at = self.next.fetch_add(1, Ordering::Relaxed) % self.lines.len();
        for line in self.lines[at..].iter().chain(&self.lines[..at]) {
            if let Ok(permit) = line.streams.try_acquire() {
                return Ok(Place { line, permit });
            }
        }
        let line = &self.lines[at];
        let permit = line.streams.acquire().await.map_err(|_| Code::UNAVAILABLE)?;
        Ok(Place { line, permit })
    }

    /// Begins a call. Of what comes back messages are kept, or not.
    pub(super) async fn begin<'l>(
        &self,
        place: Place<'l>,
        request: Request<()>,
        keeps: bool,
    ) -> Result<Stream<'l>, Code> {
        let send = self.ready(place.line).await?;
        let (answer, send) = { send }.send_request(request, false).map_err(|_| Code::UNAVAILABLE)?;
        let unframe = Unframe::new(keeps);
        Ok(Stream {
            _place: place.permit,
            send,
            answer: Some(answer),
            body: None,
            unframe,
            bytes: 0,
            code: None,
            reason: None,
        })
    }

    async fn ready(&self, line: &Line) -> Result<SendRequest<Bytes>, Code> {
        let mut kept = line.send.lock().await;
        if let Some(send) = kept.clone()
            && let Ok(send) = send.ready().await
        {
            return Ok(send);
        }
        // The lock is kept meanwhile: one caller connects anew, not all.
        let send = connect(&self.target).await.map_err(|_| Code::UNAVAILABLE)?;
        *kept = Some(send.clone());
        Ok(send)
    }
}

impl Stream<'_> {
    /// Sends messages, which are framed, and perhaps says that they were the last.
    pub(super) fn send(&mut self, messages: Bytes, is_last: bool) -> Result<(), Code> {
        self.send.send_data(messages, is_last).map_err(|_| Code::UNAVAILABLE)
    }

    /// The next message of the answer; `None` at its end, when [`Self::end`] says how it ended.
    ///
    /// # Errors
    /// The connection has broken.
    pub async fn message(&mut self) -> Result<Option<Bytes>, Code> {
        loop {
            if let Some(message) = self.unframe.next().map_err(|_| Code::INTERNAL)? {
                return Ok(Some(message));
            }
            if self.code.is_some() {
                return Ok(None);
            }
            self.receive().await?;
        }
    }

    /// How it ended, once [`Self::message`] has said that it has, and how many bytes came.
    #[must_use]
    pub fn end(&self) -> (Code, u64) {
        (self.code.unwrap_or(Code::INTERNAL), self.bytes)
    }

    /// What the server says of how it ended.
    pub(super) fn take_message(&mut self) -> Option<String> {
        self.reason.take()
    }

    async fn receive(&mut self) -> Result<(), Code> {
        if let Some(answer) = self.answer.take() {
            let (head, body) = answer.await.map_err(|error| Code::of_h2(&error))?.into_parts();
            if let Some(code) = Code::of_http(head.status) {
                return Err(code_in(&head.headers).filter(|code| *code != Code::OK).unwrap_or(code));
            }
            self.code = code_in(&head.headers);
            self.reason = message_in(&head.headers);
            self.body = Some(body);
            return Ok(());
        }
        let Some(body) = &mut self.body else { return Err(Code::INTERNAL) };
        if let Some(chunk) = body.data().await {
            let chunk = chunk.map_err(|error| Code::of_h2(&error))?;
            self.bytes += chunk.len() as u64;
            // Of a stream that has ended meanwhile nothing has to be given back.
            drop(body.flow_control().release_capacity(chunk.len()));
            self.unframe.push(&chunk);
            return Ok(());
        }
        let trailers = body.trailers().await.map_err(|error| Code::of_h2(&error))?;
        self.reason = trailers.as_ref().and_then(message_in);
        // Half a message at the end is none.
        let code = trailers.as_ref().and_then(code_in).filter(|_| self.unframe.is_empty());
        self.code = Some(code.unwrap_or(Code::INTERNAL));
        Ok(())
    }
}

/// What an error says; percent-encoded where it is not plain ASCII ("gRPC over HTTP2", Status-Message).
fn message_in(headers: &http::HeaderMap) -> Option<String> {
    let text = headers.get("grpc-message")?.to_str().ok().filter(|text| !text.is_empty())?;
    Some(percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned())
}

fn code_in(headers: &http::HeaderMap) -> Option<Code> {
    headers.get("grpc-status")?.to_str().ok()?.parse().ok().map(Code)
}

async fn connect(target: &Target) -> io::Result<SendRequest<Bytes>> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, "no connection within 5 s");
    timeout(CONNECT_TIMEOUT, async {
        let socket = TcpStream::connect(&target.address).await?;
        socket.set_nodelay(true)?;
        match &target.tls {
            None => speak(socket).await,
            Some((config, name)) => {
                speak(TlsConnector::from(Arc::clone(config)).connect(name.clone(), socket).await?).await
            }
        }
    })
    .await
    .map_err(late)?
}

async fn speak(
    socket: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
) -> io::Result<SendRequest<Bytes>> {
    let mut builder = client::Builder::new();
    builder
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .enable_push(false);
    let (send, connection) = builder.handshake(socket).await.map_err(io::Error::other)?;
    // How it ends is seen by the calls on it.
    tokio::spawn(async move { drop(connection.await) });
    send.ready().await.map_err(io::Error::other)
}
