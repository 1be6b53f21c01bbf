//! A call from its first byte to its last.

use std::time::{Duration, Instant};

use bytes::Bytes;
use http::HeaderValue;
use tokio::time::timeout_at;

use super::{Code, Lines, Stream};

/// Which method is called: `/package.Service/Method`.
pub type Path = &'static str;

/// What is sent, and on until when an answer is good for anything.
#[derive(Clone, Debug)]
pub struct Exchange {
    /// The method.
    pub path: Path,
    /// The messages, framed, one after the other.
    pub messages: Bytes,
    /// When the caller has no use for an answer any more.
    pub deadline: Instant,
    /// Whether anybody looks into the answer. If not, its messages come back empty: it costs the generator less.
    pub keeps: bool,
}

/// What came back.
#[derive(Clone, Debug)]
pub struct Reply {
    /// How it ended.
    pub code: Code,
    /// What the server says of it, where it is no good end.
    pub message: Option<String>,
    /// The messages of the answer.
    pub messages: Vec<Bytes>,
    /// Their bytes and those of their frames.
    pub bytes: u64,
    /// When it went out; not while it waited for a place among the streams.
    pub sent: Option<Instant>,
    /// How long it waited for that; not known of a stream that goes on.
    pub waited: Option<Duration>,
}

impl Reply {
    /// One that ended so, and of which nothing else is known.
    #[must_use]
    pub fn of(code: Code) -> Self {
        Self { code, message: None, messages: Vec::new(), bytes: 0, sent: None, waited: None }
    }
}

impl Lines {
    /// Sends one or more messages and waits for all that comes back.
    pub async fn exchange(&self, exchange: &Exchange) -> Reply {
        let begun = Instant::now();
        let (mut sent, mut message) = (None, None);
        let all = async {
            let mut stream = self.start(exchange.path, Some(exchange.deadline), exchange.keeps).await?;
            sent = Some(Instant::now());
            stream.send(exchange.messages.clone(), true)?;
            let mut messages = Vec::new();
            while let Some(message) = stream.message().await? {
                messages.push(message);
            }
            message = stream.take_message();
            let (code, bytes) = stream.end();
            Ok((code, messages, bytes))
        };
        let ended = timeout_at(exchange.deadline.into(), all).await.unwrap_or(Err(Code::DEADLINE_EXCEEDED));
        let (code, messages, bytes) = ended.unwrap_or_else(|code| (code, Vec::new(), 0));
        let waited = Some(sent.unwrap_or_else(Instant::now).saturating_duration_since(begun));
        Reply { code, message, messages, bytes, sent, waited }
    }

    /// Begins a conversation that goes on, with its first message.
    ///
    /// # Errors
    /// The connection has broken.
    pub async fn converse(&self, path: Path, first: Bytes) -> Result<Stream<'_>, Code> {
        let mut stream = self.start(path, None, true).await?;
        stream.send(first, false)?;
        Ok(stream)
    }

    async fn start(&self, path: Path, deadline: Option<Instant>, keeps: bool) -> Result<Stream<'_>, Code> {
        let place = self.place().await?;
        let mut request = self.head(path)?;
        if let Some(deadline) = deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            request.headers_mut().insert("grpc-timeout", timeout_value(left)?);
        }
        self.begin(place, request, keeps).await
    }
}

impl Stream<'_> {
    /// Says more.
    ///
    /// # Errors
    /// The connection has broken.
    pub fn say(&mut self, message: Bytes) -> Result<(), Code> {
        self.send(message, false)
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self) {
        // Where the connection is gone, the server knows it.
        let _ = self.send(Bytes::new(), true);
    }
}

/// In microseconds where the eight digits that there are suffice: 100 s.
fn timeout_value(left: Duration) -> Result<HeaderValue, Code> {
    let text = match left.as_micros() {
        0 => return Err(Code::DEADLINE_EXCEEDED),
        micros @ 1..=99_999_999 => format!("{micros}u"),
        _ => format!("{}m", left.as_millis().min(99_999_999)),
    };
    HeaderValue::from_str(&text).map_err(|_| Code::INTERNAL)
}
