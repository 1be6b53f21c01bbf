//! All merchants at one revision, and changes from there on.

use std::{collections::VecDeque, sync::Arc, time::Duration};

use futures_util::stream;
use nearby_index::{Change, MerchantId, Revision, Shown};
use nearby_proto::{Encoded, v1 as wire};
use prost::encoding;
use tokio::sync::watch::Receiver;
use tonic::Status;

use crate::{
    error::ServiceError,
    grpc::{
        convert::{filter_from_wire, name_of, view_from_wire},
        response_encoder::{put_field, put_merchant, viewed},
        streaming::{AnswerStream, Outlet, pushed},
    },
    service::{Door, STOPPING, Service},
};

/// A message of a stream is this large, or one merchant.
const MESSAGE_BYTES: usize = 256 * 1024;
/// Merchants that are looked at for one message: with a filter that lets few through, other calls want a turn.
const LOOKED_AT: usize = 10_000;
/// Changes that are taken from the feed at a time.
const CHANGES: usize = 1_024;

/// All merchants, in messages that are made as they are read.
pub(super) fn export(
    service: &Service,
    given: &wire::ExportMerchantsRequest,
    door: Door,
) -> Result<AnswerStream<Encoded<wire::ExportMerchantsResponse>>, ServiceError> {
    let filter = filter_from_wire(given.filter.as_ref(), "filter", Shown::All)?;
    let view = view_from_wire(given.view, wire::MerchantView::Full)?;
    let snapshot = service.snapshot();
    let next = move |after: Option<MerchantId>| {
        let mut message = Vec::new();
        encoding::uint64::encode(2, &snapshot.revision().0, &mut message);
        let mut last = None;
        for (looked_at, stored) in snapshot.list(after.as_ref()).enumerate() {
            if looked_at == LOOKED_AT || message.len() >= MESSAGE_BYTES {
                return (Encoded::from_bytes(message), last);
            }
            last = Some(stored.merchant.id.clone());
            if filter.lets_through(stored) {
                put_merchant(&mut message, 1, viewed(stored, view));
            }
        }
        (Encoded::from_bytes(message), None)
    };
    let next = Arc::new(next);
    // First nothing has been sent, then all up to an id, and at last everything.
    let state = Some(None);
    Ok(Box::pin(stream::try_unfold(state, move |state| {
        let (next, door) = (Arc::clone(&next), door.clone());
        async move {
            let Some(after) = state else { return Ok(None) };
            door.enter()?;
            let (message, last) = next(after);
            tokio::task::yield_now().await;
            Ok::<_, Status>(Some((message, last.map(Some))))
        }
    })))
}

/// Changes as they are made.
pub(super) async fn watch(
    service: Arc<Service>,
    given: &wire::WatchMerchantsRequest,
    door: Door,
    patience: Duration,
) -> Result<AnswerStream<Encoded<wire::WatchMerchantsResponse>>, ServiceError> {
    let view = view_from_wire(given.view, wire::MerchantView::Full)?;
    let place = service.watch()?;
    // Before the first look, so that nothing comes between.
    let latest = service.feed.subscribe();
    let now = *latest.borrow();
    let from = given.revision.map_or(now, Revision);
    let behind = missed(&service, from).await?;
    Ok(pushed(patience, move |outlet| async move {
        let mut follower = Follower { view, told: from, outlet };
        let watched = tokio::select! {
            watched = follower.follow(&service, behind, latest) => watched,
            () = door.stopping() => Err(STOPPING),
        };
        drop(place);
        watched.map_err(Status::from)
    }))
}

/// What changed after a revision and is not in memory any more; empty where all of it is.
async fn missed(service: &Arc<Service>, from: Revision) -> Result<Vec<Change>, ServiceError> {
    let snapshot = service.snapshot();
    if from <= snapshot.revision() && service.feed.recent(from, 1).is_some() {
        return Ok(Vec::new());
    }
    let feed = service.feed.clone();
    let found = tokio::task::spawn_blocking(move || feed.catch_up(from, &snapshot)).await;
    found.map_err(|_| ServiceError::Internal("a catch-up ended early"))?
}

struct Follower {
    view: wire::MerchantView,
    /// The revision up to which the caller knows all.
    told: Revision,
    outlet: Outlet<Encoded<wire::WatchMerchantsResponse>>,
}

impl Follower {
    async fn follow(
        &mut self,
        service: &Arc<Service>,
        behind: Vec<Change>,
        mut latest: Receiver<Revision>,
    ) -> Result<(), ServiceError> {
        self.tell(behind.into()).await?;
        loop {
            match service.feed.recent(self.told, CHANGES) {
                Some(changes) if changes.is_empty() => latest.changed().await.map_err(|_| STOPPING)?,
                Some(changes) => self.tell(changes.into()).await?,
                // It fell behind what is kept in memory.
                None => {
                    let behind = missed(service, self.told).await?;
                    self.tell(behind.into()).await?;
                }
            }
        }
    }

    /// Sends changes in as many messages as they need, and one where there are none.
    async fn tell(&mut self, mut changes: VecDeque<Change>) -> Result<(), ServiceError> {
        loop {
            let mut message = Vec::new();
            while message.len() < MESSAGE_BYTES
                && let Some(change) = changes.pop_front()
            {
                self.told = change.revision();
                put_field(&mut message, 1, &self.encoded(&change));
            }
            encoding::uint64::encode(2, &self.told.0, &mut message);
            self.outlet.send(Encoded::from_bytes(message)).await?;
            if changes.is_empty() {
                return Ok(());
            }
        }
    }

    /// A `MerchantChange`.
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
