//! `WatchMerchants`: changes as they are committed.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use nearby_index::{Change, Revision};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;
use tokio::sync::watch::Receiver;
use tonic::Status;

use super::export::MESSAGE_BYTES;
use crate::{
    auth::rate_limit::Cost,
    error::ServiceError,
    grpc::{
        charges::Charges,
        convert::{View, view_from_wire},
        cost::{self, Returned},
        request_context::RequestContext,
        response_encoder::{put_field, put_merchant, viewed},
        streaming::{ResponseStream, StreamSender, spawn_stream},
    },
    overload::resource::Resource,
    record::name_of,
    service::{NOT_READY, Service, ServiceHandle},
};

/// Changes that are taken from the feed at a time.
const MAX_CHANGES: usize = 1_024;

/// Changes after a revision, as they are committed.
pub(super) async fn watch(
    service: Arc<Service>,
    given: &wire::WatchMerchantsRequest,
    (handle, context): (ServiceHandle, &RequestContext),
    send_timeout: Duration,
) -> Result<ResponseStream<Encoded<wire::WatchMerchantsResponse>>, ServiceError> {
    let view = view_from_wire(given.view, wire::MerchantView::Full, true)?;
    if !given.history_id.is_empty() {
        service.tokens.check_history(&given.history_id)?;
    }
    if given.revision.is_some_and(|seen| Revision(seen) > service.snapshot().revision()) {
        service.snapshot_since(given.revision.map(Revision)).await?;
    }
    let held = context.work()?.acquire(Resource::FeedWatchers)?;
    // Subscribed before the feed is read, so that no change is missed in between.
    let latest = service.feed.subscribe();
    let now = *latest.borrow();
    let from = given.revision.map_or(now, Revision);
    let behind = older_changes(&service, from).await?;
    let history_id = service.tokens.history().to_string();
    let charges = Arc::clone(&context.charges);
    Ok(spawn_stream(context.work()?, send_timeout, move |sender| async move {
        let mut changes =
            ChangeStream { view, history_id, sent_revision: from, sender, charges, has_sent: false };
        let watched = tokio::select! {
            watched = changes.run(&service, behind, latest) => watched,
            () = handle.stopping() => Err(NOT_READY),
        };
        drop(held);
        watched.map_err(Status::from)
    }))
}

/// The changes after a revision, if the feed does not hold all of them in memory; empty if it does.
async fn older_changes(service: &Arc<Service>, from: Revision) -> Result<Vec<Change>, ServiceError> {
    let snapshot = service.snapshot();
    if from <= snapshot.revision() && service.feed.recent(from, 1).is_some() {
        return Ok(Vec::new());
    }
    let feed = service.feed.clone();
    let found = tokio::task::spawn_blocking(move || feed.catch_up(from, &snapshot)).await;
    found.map_err(|_| ServiceError::Internal("reading older changes panicked"))?
}

struct ChangeStream {
    view: View,
    history_id: String,
    /// The revision up to which the client has all changes.
    sent_revision: Revision,
    sender: StreamSender<Encoded<wire::WatchMerchantsResponse>>,
    charges: Arc<Charges>,
    /// True after the first message, which was charged with the call.
    has_sent: bool,
}

impl ChangeStream {
    async fn run(
        &mut self,
        service: &Arc<Service>,
        behind: Vec<Change>,
        mut latest: Receiver<Revision>,
    ) -> Result<(), ServiceError> {
        self.send(behind.into()).await?;
        loop {
            match service.feed.recent(self.sent_revision, MAX_CHANGES) {
                Some(changes) if changes.is_empty() => latest.changed().await.map_err(|_| NOT_READY)?,
                Some(changes) => self.send(changes.into()).await?,
                // The client fell behind what the feed holds in memory.
                None => {
                    let behind = older_changes(service, self.sent_revision).await?;
                    self.send(behind.into()).await?;
                }
            }
        }
    }

    /// Sends changes in as many messages as needed, at least one.
    async fn send(&mut self, mut changes: VecDeque<Change>) -> Result<(), ServiceError> {
        loop {
            let mut message = Vec::new();
            let mut returned = Returned::default();
            while message.len() < MESSAGE_BYTES
                && let Some(change) = changes.pop_front()
            {
                self.sent_revision = change.revision();
                put_field(&mut message, 1, &self.encoded(&change));
                returned += Returned::of_change(self.view, &change);
            }
            encoding::uint64::encode(2, &self.sent_revision.0, &mut message);
            put_field(&mut message, 3, self.history_id.as_bytes());
            returned.bytes = message.len();
            let base = if std::mem::replace(&mut self.has_sent, true) { cost::SEARCH } else { Cost::ZERO };
            self.charges.add_debt(base + returned.further_cost());
            self.sender.send(Encoded::from_bytes(message)).await?;
            if changes.is_empty() {
                return Ok(());
            }
        }
    }

    /// Encodes a `MerchantChange`.
    fn encoded(&self, change: &Change) -> Vec<u8> {
        let mut encoded = Vec::new();
        encoding::uint64::encode(1, &change.revision().0, &mut encoded);
        match change {
            Change::Put(stored) => put_merchant(&mut encoded, 2, viewed(stored, self.view)),
            Change::Delete { id, .. } => put_field(&mut encoded, 3, name_of(id).as_bytes()),
        }
        encoded
    }
}
