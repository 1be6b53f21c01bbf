//! Operations on a log by an administrator: creation, its first message, and who announces itself.

use std::time::Duration;

use async_nats::{
    Client,
    jetstream::{
        self, Context,
        context::{GetStreamErrorKind, PublishErrorKind},
        message::PublishMessage,
        stream::RawMessageErrorKind,
    },
};
use bytes::Bytes;
use futures_util::StreamExt;
use tokio::time::{Instant, timeout_at};

use super::{JetStreamError, JetStreamSettings, LogShape, connection, stream};
use crate::{
    announcement::Announcement,
    identity::{ClusterId, Sequence},
};

/// A connection to the brokers for single operations.
#[derive(Clone, Debug)]
pub struct Administrator {
    client: Client,
    context: Context,
    settings: JetStreamSettings,
}

/// A log that exists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogDescription {
    /// Its cluster; `None` if it is not the log of one.
    pub cluster: Option<ClusterId>,
    /// Sequence of the first message that is kept.
    pub first: Sequence,
    /// Sequence of the last message.
    pub last: Sequence,
}

impl Administrator {
    /// Connects to the brokers, and checks the one that answers.
    ///
    /// # Errors
    /// If the settings are invalid, no broker accepts the connection, or the broker is too old.
    pub async fn connect(settings: &JetStreamSettings) -> Result<Self, JetStreamError> {
        let (options, servers) = (connection::options(settings, None)?, connection::addresses(settings)?);
        // Without credentials, which a URL may contain.
        let addresses: Vec<String> =
            servers.iter().map(|server| format!("{}:{}", server.host(), server.port())).collect();
        let client = options.connect(servers).await.map_err(|error| JetStreamError::Connect {
            addresses: addresses.join(", "),
            reason: error.to_string(),
        })?;
        connection::check_broker(&client.server_info(), settings.allow_older_brokers)?;
        Ok(Self { context: jetstream::new(client.clone()), client, settings: settings.clone() })
    }

    /// Describes the log; `None` if there is none.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn describe(&self) -> Result<Option<LogDescription>, JetStreamError> {
        match self.context.get_stream(&self.settings.stream).await {
            Ok(found) => {
                let info = found.cached_info();
                Ok(Some(LogDescription {
                    cluster: stream::cluster_of(&info.config),
                    first: Sequence(info.state.first_sequence.max(1)),
                    last: Sequence(info.state.last_sequence),
                }))
            }
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(api)
                    if api.error_code() == jetstream::ErrorCode::STREAM_NOT_FOUND =>
                {
                    Ok(None)
                }
                _ => Err(self.failed("describe", &error)),
            },
        }
    }

    /// Creates the log of a cluster, or verifies one that exists. Needs an administrator's credentials.
    ///
    /// # Errors
    /// If the brokers do not answer, or a stream with other settings exists.
    pub async fn create(&self, cluster: ClusterId, shape: LogShape) -> Result<(), JetStreamError> {
        stream::create(&self.context, &self.settings, cluster, shape).await
    }

    /// Deletes the log.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn delete(&self) -> Result<(), JetStreamError> {
        let deleted = self.context.delete_stream(&self.settings.stream).await;
        deleted.map(drop).map_err(|error| self.failed("delete", &error))
    }

    /// Publishes a message after another. Returns `false` if the log does not end there.
    ///
    /// # Errors
    /// If the brokers do not answer: the message may be stored or not.
    pub async fn publish(&self, base: Sequence, message: Bytes) -> Result<bool, JetStreamError> {
        let message = PublishMessage::build()
            .payload(message)
            .expected_last_sequence(base.0)
            .expected_stream(&self.settings.stream);
        let published = match self.context.send_publish(self.settings.commit_subject(), message).await {
            Ok(acknowledgement) => acknowledgement.await,
            Err(error) => Err(error),
        };
        match published {
            Ok(_) => Ok(true),
            Err(error) if error.kind() == PublishErrorKind::WrongLastSequence => Ok(false),
            Err(error) => Err(self.failed("write to", &error)),
        }
    }

    /// Reads a message; `None` if the log does not contain it.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn read(&self, sequence: Sequence) -> Result<Option<Bytes>, JetStreamError> {
        let stream = self.context.get_stream_no_info(&self.settings.stream).await;
        let stream = stream.map_err(|error| self.failed("read", &error))?;
        match stream.get_raw_message(sequence.0).await {
            Ok(message) => Ok(Some(message.payload)),
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(None),
            Err(error) => Err(self.failed("read", &error)),
        }
    }

    /// Collects the announcements of a cluster for some time: the last one of each node.
    ///
    /// # Errors
    /// If the brokers do not answer.
    pub async fn listen(
        &self,
        cluster: ClusterId,
        duration: Duration,
    ) -> Result<Vec<Announcement>, JetStreamError> {
        let subject = self.settings.announcement_subject("*");
        let subscribed = self.client.subscribe(subject).await;
        let mut received = subscribed.map_err(|error| self.failed("listen to the nodes of", &error))?;
        let until = Instant::now() + duration;
        let mut found: Vec<Announcement> = Vec::new();
        while let Ok(Some(message)) = timeout_at(until, received.next()).await {
            if let Some(announcement) = Announcement::decode(&message.payload, cluster) {
                found.retain(|earlier| earlier.node != announcement.node);
                found.push(announcement);
            }
        }
        Ok(found)
    }

    fn failed(&self, action: &'static str, error: &dyn std::error::Error) -> JetStreamError {
        JetStreamError::Operation { action, stream: self.settings.stream.clone(), reason: error.to_string() }
    }
}
