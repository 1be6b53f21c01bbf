//! The log on NATS JetStream: one stream, of which each message is one commit.
//!
//! | module | content |
//! |---|---|
//! | `administrator` | operations on a log by an administrator |
//! | `connection` | the connection to the brokers |
//! | `stream` | the stream's settings, and its creation |
//! | `requests` | requests and their results as events |
//!
//! The protocol needs of a broker that it orders messages, and that it stores them on a majority of disks before it
//! acknowledges them: brokers must run with `sync_interval: always`.
//! - Message ids are not used: they deduplicate for a window of time only, and answer success to a stale expectation. A commit
//!   is sent again with the same expectation instead.
//! - Deliveries come from one broker, which may hang. Reads and descriptions come from the stream's leader.

mod administrator;
mod connection;
mod requests;
mod stream;
#[cfg(test)]
mod tests;

use std::{
    path::PathBuf,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, TrySendError, sync_channel},
    },
    time::Duration,
};

use thiserror::Error;
use tokio::{
    runtime::Handle,
    sync::{Notify, mpsc},
};

use self::requests::Client;
pub use self::{
    administrator::{Administrator, LogDescription},
    stream::{LogShape, required_settings},
};
use crate::{
    identity::NodeName,
    log::{LogEvent, Monotonic, Request, RequestQueue},
};

/// Events that wait for the commit thread. Messages are at most 8 MiB, and a delivery has at most 16 under way.
const MAX_EVENTS: usize = 1_024;
/// Pause of a delivery whose events are not taken.
const FULL_QUEUE_PAUSE: Duration = Duration::from_millis(5);

/// Settings of the connection to the brokers.
#[derive(Clone)]
pub struct JetStreamSettings {
    /// Addresses of the brokers, as `nats://host:port`.
    pub servers: Vec<String>,
    /// Name of the stream. The subjects of commits and announcements derive from it.
    pub stream: String,
    /// Name of this node.
    pub node: NodeName,
    /// Seed of the node's nkey, if it has one.
    pub nkey_seed: Option<String>,
    /// TLS, unless the connection is plain.
    pub tls: Option<TlsFiles>,
    /// Accepts brokers that are older than the oldest supported release, for tests of broker upgrades.
    pub allow_older_brokers: bool,
}

/// Files for TLS connections to the brokers.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// Certificates of the authorities that sign the brokers' certificates.
    pub authorities: PathBuf,
    /// Certificate and key of this node, if the brokers require one.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

impl std::fmt::Debug for JetStreamSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The seed is secret.
        let Self { servers, stream, node, tls, .. } = self;
        f.debug_struct("JetStreamSettings")
            .field("servers", servers)
            .field("stream", stream)
            .field("node", node)
            .field("tls", tls)
            .finish_non_exhaustive()
    }
}

impl JetStreamSettings {
    /// Checks the settings without a connection.
    ///
    /// # Errors
    /// [`JetStreamError::Settings`].
    pub fn check(&self) -> Result<(), JetStreamError> {
        connection::addresses(self).map(drop)
    }

    /// Subject of commits.
    pub(crate) fn commit_subject(&self) -> String {
        format!("{}.log", self.stream.to_lowercase())
    }

    /// Subject of the announcements of a node, or of all with `*`.
    pub(crate) fn announcement_subject(&self, node: &str) -> String {
        format!("{}.node.{node}", self.stream.to_lowercase())
    }
}

/// Errors of the brokers, by what the operator can do about them.
#[derive(Debug, Error)]
pub enum JetStreamError {
    /// The settings are invalid.
    #[error("invalid broker settings: {0}")]
    Settings(String),
    /// No broker accepts the connection.
    #[error("no broker accepts a connection at {addresses}: {reason}")]
    Connect {
        /// Hosts and ports of the brokers.
        addresses: String,
        /// Error of the last attempt.
        reason: String,
    },
    /// A broker is too old, or its limits are too low.
    #[error("broker {name} {problem}")]
    Broker {
        /// Name of the broker.
        name: String,
        /// The problem and the remedy.
        problem: String,
    },
    /// An operation on a stream failed.
    #[error("cannot {action} the stream {stream}: {reason}")]
    Operation {
        /// The operation.
        action: &'static str,
        /// Name of the stream.
        stream: String,
        /// The reason.
        reason: String,
    },
    /// The stream cannot be created, or has other settings.
    #[error("cannot create the stream {stream}: {reason}")]
    Create {
        /// Name of the stream.
        stream: String,
        /// The reason.
        reason: String,
    },
}

/// A stream as a commit log.
#[derive(Debug)]
pub struct JetStreamLog {
    requests: mpsc::UnboundedSender<Request>,
    events: Receiver<LogEvent>,
    wake: Arc<Notify>,
}

/// The events of a log, and who waits for them.
#[derive(Clone, Debug)]
struct Events {
    queue: SyncSender<LogEvent>,
    wake: Arc<Notify>,
}

impl Events {
    /// Adds an event unless the queue is full.
    fn try_send(&self, event: LogEvent) -> Result<(), TrySendError<LogEvent>> {
        self.queue.try_send(event)?;
        self.wake.notify_one();
        Ok(())
    }

    /// Adds an event, and waits while the queue is full.
    async fn send(&self, mut event: LogEvent) {
        loop {
            event = match self.try_send(event) {
                Ok(()) | Err(TrySendError::Disconnected(_)) => return,
                Err(TrySendError::Full(event)) => event,
            };
            tokio::time::sleep(FULL_QUEUE_PAUSE).await;
        }
    }
}

impl JetStreamLog {
    /// Connects to the brokers. Returns at once: missing brokers never cost the start, and the log answers once there are
    /// some.
    ///
    /// # Errors
    /// If the settings are invalid.
    pub fn connect(settings: JetStreamSettings, runtime: &Handle) -> Result<Self, JetStreamError> {
        let (sender, requests) = mpsc::unbounded_channel();
        let (queue, receiver) = sync_channel(MAX_EVENTS);
        let events = Events { queue, wake: Arc::default() };
        let wake = Arc::clone(&events.wake);
        let options = connection::options(&settings, Some(events.clone()))?;
        let servers = connection::addresses(&settings)?;
        runtime.spawn(async move {
            // The first connection is retried like any other.
            match options.connect(servers).await {
                Ok(connection) => Client::new(connection, &settings, events).run(requests).await,
                Err(error) => tracing::error!(%error, "cannot connect to the brokers"),
            }
        });
        Ok(Self { requests: sender, events: receiver, wake })
    }

    /// Returns what is notified when there is an event.
    #[must_use]
    pub fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }
}

impl RequestQueue for JetStreamLog {
    fn send(&mut self, request: Request) {
        // Fails when the runtime has stopped; nothing is answered then.
        drop(self.requests.send(request));
    }

    fn next_event(&mut self, _: Monotonic) -> Option<LogEvent> {
        self.events.try_recv().ok()
    }
}
