//! Requests to the brokers, and their results as events.

use std::{error::Error, time::Duration};

use async_nats::{
    connection::State,
    jetstream::{
        Context, Error as ApiError, ErrorCode,
        consumer::{DeliverPolicy, pull},
        context::{ContextBuilder, PublishError, PublishErrorKind},
        message::PublishMessage,
        stream::{InfoError, RawMessageErrorKind, Stream},
    },
    subject::Subject,
};
use futures_util::StreamExt;
use tokio::{sync::mpsc, task::JoinHandle, time::timeout};

use super::{Events, JetStreamSettings, stream::log_info};
use crate::{
    identity::Sequence,
    log::{Answer, LogEvent, Request},
    message::MAX_MESSAGE_BYTES,
};

/// Time after which a publish has no answer. The protocol repeats it earlier; a late answer still counts.
const PUBLISH_TIMEOUT: Duration = Duration::from_secs(15);
/// Time for reads, inspections and the start of a delivery.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Messages under way to a follower: 16 MiB of batches. The broker cuts off clients with 64 MiB of unsent data.
const MAX_DELIVERED: i64 = 16;
/// Lifetime of a request for messages. Half of it is the heartbeat that reveals a dead delivery.
const DELIVERY_EXPIRY: Duration = Duration::from_secs(2);
/// Pause after a delivery has ended: brokers without a leader refuse each attempt.
const RESTART_PAUSE: Duration = Duration::from_millis(100);

/// A connected client.
pub(super) struct Client {
    client: async_nats::Client,
    publisher: Context,
    stream: Option<Stream<()>>,
    name: String,
    commit_subject: Subject,
    own_subject: Subject,
    announcements: String,
    events: Events,
    delivery: Option<JoinHandle<()>>,
    allow_older_brokers: bool,
}

impl Client {
    pub(super) fn new(client: async_nats::Client, settings: &JetStreamSettings, events: Events) -> Self {
        Self {
            publisher: ContextBuilder::new().timeout(PUBLISH_TIMEOUT).build(client.clone()),
            client,
            stream: None,
            name: settings.stream.clone(),
            commit_subject: settings.commit_subject().into(),
            own_subject: settings.announcement_subject(settings.node.as_str()).into(),
            announcements: settings.announcement_subject("*"),
            events,
            delivery: None,
            allow_older_brokers: settings.allow_older_brokers,
        }
    }

    /// Serves requests until there are no more.
    pub(super) async fn run(mut self, mut requests: mpsc::UnboundedReceiver<Request>) {
        let context = ContextBuilder::new().timeout(REQUEST_TIMEOUT).build(self.client.clone());
        self.stream = context.get_stream_no_info(&self.name).await.ok();
        let announcements = tokio::spawn(forward_announcements(
            self.client.clone(),
            self.announcements.clone(),
            self.events.clone(),
        ));
        while let Some(request) = requests.recv().await {
            self.handle(request).await;
        }
        announcements.abort();
        self.stop_delivery();
    }

    async fn handle(&mut self, request: Request) {
        let Some(stream) = self.stream.clone() else { return };
        if self.client.connection_state() != State::Connected && !matches!(request, Request::Follow(_)) {
            // The client would keep it, without a bound, and send it late. The protocol repeats what it needs.
            if let Request::Propose { attempt, .. } = request {
                let answer = Answer::Unknown("there is no connection to a broker".to_owned());
                self.events.send(LogEvent::Answer { attempt, answer }).await;
            }
            return;
        }
        let events = self.events.clone();
        match request {
            Request::Propose { attempt, base, message } => {
                let length = message.len();
                let message = PublishMessage::build()
                    .payload(message)
                    .expected_last_sequence(base.0)
                    .expected_stream(&self.name);
                let (publisher, subject) = (self.publisher.clone(), self.commit_subject.clone());
                tokio::spawn(async move {
                    let answer = match publisher.send_publish(subject, message).await {
                        Ok(acknowledgement) => acknowledgement.await,
                        Err(error) => Err(error),
                    };
                    let answer = match answer {
                        Ok(acknowledgement) => Answer::Stored(Sequence(acknowledgement.sequence)),
                        Err(error) => answer_of(&error, base, length),
                    };
                    events.send(LogEvent::Answer { attempt, answer }).await;
                });
            }
            Request::Follow(after) => {
                self.stop_delivery();
                self.delivery = Some(tokio::spawn(deliver(stream, after, events)));
            }
            Request::Read { request, sequence } => {
                tokio::spawn(async move {
                    let message = match stream.get_raw_message(sequence.0).await {
                        Ok(message) => Some(message.payload),
                        Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => None,
                        // The caller asks again.
                        Err(_) => return,
                    };
                    events.send(LogEvent::Read { request, message }).await;
                });
            }
            Request::Inspect(request) => {
                let (client, allow_older) = (self.client.clone(), self.allow_older_brokers);
                tokio::spawn(async move {
                    match stream.get_info().await {
                        Ok(info) => {
                            // After the answer: the request may have waited for the connection to a broker.
                            let info = log_info(&info, &client.server_info(), allow_older);
                            events.send(LogEvent::Info { request, info }).await;
                        }
                        Err(error) if is_not_found(&error) => events.send(LogEvent::NoLog { request }).await,
                        // The caller asks again.
                        Err(_) => {}
                    }
                });
            }
            // Both fail when the client is closed only.
            Request::Announce(announcement) => {
                drop(self.client.publish(self.own_subject.clone(), announcement).await);
            }
            Request::Reconnect => drop(self.client.force_reconnect().await),
        }
    }

    fn stop_delivery(&mut self) {
        if let Some(delivery) = self.delivery.take() {
            delivery.abort();
        }
    }
}

/// Returns whether the brokers answer that they have no such stream.
fn is_not_found(error: &InfoError) -> bool {
    api_error(error).is_some_and(|api| api.error_code() == ErrorCode::STREAM_NOT_FOUND)
}

/// Returns the error of the brokers that is the source of one of the client.
fn api_error(error: &dyn Error) -> Option<&ApiError> {
    error.source().and_then(|source| source.downcast_ref())
}

/// The meaning of an error of a publish at a base, of a message with a length.
fn answer_of(error: &PublishError, base: Sequence, length: usize) -> Answer {
    let api = api_error(error);
    match (error.kind(), api.map(ApiError::error_code)) {
        (_, Some(ErrorCode::STREAM_MESSAGE_EXCEEDS_MAXIMUM)) => Answer::TooLarge,
        // The client assumes a limit of 1 MiB until it is connected, and that of another broker after it was.
        (PublishErrorKind::MaxPayloadExceeded, _) if length <= MAX_MESSAGE_BYTES => {
            Answer::Refused(error.to_string())
        }
        (PublishErrorKind::MaxPayloadExceeded, _) => Answer::TooLarge,
        (PublishErrorKind::WrongLastSequence, _)
        | (_, Some(ErrorCode::STREAM_WRONG_LAST_SEQUENCE_CONSTANT)) => {
            let text = api.map(ToString::to_string).unwrap_or_default();
            // Without a number, the message after the base tells.
            Answer::WrongLast(last_sequence_in(&text).unwrap_or_else(|| base.next()))
        }
        (_, Some(_)) => Answer::Refused(error.to_string()),
        _ => Answer::Unknown(error.to_string()),
    }
}

/// The number in "wrong last sequence: 5".
fn last_sequence_in(text: &str) -> Option<Sequence> {
    let (_, rest) = text.split_once("wrong last sequence: ")?;
    let digits = rest.split(|c: char| !c.is_ascii_digit()).next()?;
    digits.parse().ok().map(Sequence)
}

async fn forward_announcements(client: async_nats::Client, subject: String, events: Events) {
    let Ok(mut announcements) = client.subscribe(subject).await else { return };
    while let Some(announcement) = announcements.next().await {
        // A queue that is full contains enough of them: each replaces the one before.
        drop(events.try_send(LogEvent::Announcement(announcement.payload)));
    }
}

/// Delivers messages until the broker stops.
async fn deliver(stream: Stream<()>, after: Sequence, events: Events) {
    let config = pull::OrderedConfig {
        deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: after.next().0 },
        max_batch: MAX_DELIVERED,
        max_expires: DELIVERY_EXPIRY,
        ..pull::OrderedConfig::default()
    };
    let started = timeout(REQUEST_TIMEOUT, async {
        let consumer = stream.create_consumer(config).await.ok()?;
        consumer.messages().await.ok()
    });
    if let Ok(Some(mut messages)) = started.await {
        while let Some(Ok(message)) = messages.next().await {
            let Ok(info) = message.info() else { break };
            let sequence = Sequence(info.stream_sequence);
            let message = message.message.payload;
            events.send(LogEvent::Message { sequence, message }).await;
        }
    }
    tokio::time::sleep(RESTART_PAUSE).await;
    events.send(LogEvent::Unfollowed).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_sequence_is_read_from_the_error() {
        let text = "wrong last sequence: 1234 (code 400, error code 10071)";
        assert_eq!(last_sequence_in(text), Some(Sequence(1_234)));
        for other in ["wrong last sequence (code 400, error code 10164)", "wrong last sequence: x", ""] {
            assert_eq!(last_sequence_in(other), None);
        }
    }

    #[test]
    fn errors_without_an_answer_of_a_broker_leave_the_outcome_unknown() {
        let base = Sequence(4);
        for kind in [
            PublishErrorKind::TimedOut,
            PublishErrorKind::BrokenPipe,
            PublishErrorKind::StreamNotFound,
            PublishErrorKind::Other,
        ] {
            assert!(matches!(answer_of(&PublishError::new(kind), base, 1), Answer::Unknown(_)), "{kind:?}");
        }
        let too_large = PublishError::new(PublishErrorKind::MaxPayloadExceeded);
        assert_eq!(answer_of(&too_large, base, MAX_MESSAGE_BYTES + 1), Answer::TooLarge);
        assert!(matches!(answer_of(&too_large, base, MAX_MESSAGE_BYTES), Answer::Refused(_)));
        let wrong = PublishError::new(PublishErrorKind::WrongLastSequence);
        assert_eq!(answer_of(&wrong, base, 1), Answer::WrongLast(Sequence(5)));
    }
}
