//! `WatchNearby`: what enters, leaves and moves around a caller.
//!
//! A watcher keeps no history: whenever something near it may have changed, it searches anew and tells the difference
//! to what it told before. So it can leave out what came and went meanwhile, and its memory is that of one answer.

mod diff;

use std::sync::Arc;

use nearby_index::{Change, Ecef, Hits, Limit, Query, Revision};
use nearby_proto::{Encoded, v1 as wire, v1::watch_nearby_request::Step};
use prost::Message;
use tokio::time::{error::Elapsed, timeout};
use tonic::{Status, Streaming};

use self::diff::{Held, Set, Shown};
use super::{SearchSettings, Searches, page_response::is_uncertain};
use crate::{
    error::ServiceError,
    grpc::{
        convert::{
            Check, Ring, area_from_wire, may_see, output_datum_from_wire, page_size, position_from_wire,
            view_from_wire,
        },
        middleware::{deadline::Deadline, error_details::explained_below},
        offload::at_work,
        request_context::Asker,
        streaming::{AnswerStream, Outlet, pushed},
    },
    overload::work_queue::Turns,
    page_token::{Fingerprint, Payload},
    reason,
    service::{STOPPING, Service},
};

/// Changes that are looked at one by one; with more, the watcher searches anew.
const MOST_LOOKED_AT: usize = 4_096;

pub(super) fn answers(
    searches: Searches,
    steps: Streaming<wire::WatchNearbyRequest>,
    asker: Asker,
) -> Result<AnswerStream<Encoded<wire::WatchNearbyResponse>>, ServiceError> {
    let service = searches.door.enter()?;
    let place = service.watch()?;
    Ok(pushed(searches.watch_patience, |outlet| async move {
        let watched = watch(&searches, (&service, &asker), steps, &outlet).await;
        drop(place);
        watched
    }))
}

async fn watch(
    searches: &Searches,
    (service, asker): (&Service, &Asker),
    mut steps: Streaming<wire::WatchNearbyRequest>,
    outlet: &Outlet<Encoded<wire::WatchNearbyResponse>>,
) -> Result<(), Status> {
    let mut latest = service.feed.subscribe();
    let first = tokio::select! {
        first = timeout(searches.watch_patience, steps.message()) => first,
        () = searches.door.stopping() => return Err(STOPPING.into()),
    };
    let first = first.map_err(|Elapsed { .. }| ServiceError::WatcherTooSlow(searches.watch_patience))?;
    let Some(first) = first.map_err(explained_below)? else { return Ok(()) };
    let mut watcher = Watcher::start(first, searches.settings_for(asker))?;
    outlet.send(watcher.begin((service, &searches.long)).await?).await?;
    let mut caller_is_done = false;
    loop {
        let answer = tokio::select! {
            step = steps.message(), if !caller_is_done => match step.map_err(explained_below)? {
                Some(step) => {
                    asker.charge(1)?;
                    watcher.move_to(step)?;
                    Some(watcher.look((service, &searches.long), false).await?)
                }
                // It moves no more, but it still listens.
                None => {
                    caller_is_done = true;
                    None
                }
            },
            changed = latest.changed() => {
                changed.map_err(|_| STOPPING)?;
                let is_near = watcher.concerns(service);
                if is_near { Some(watcher.look((service, &searches.long), true).await?) } else { None }
            }
            () = searches.door.stopping() => return Err(STOPPING.into()),
        };
        if let Some(answer) = answer.flatten() {
            outlet.send(answer).await?;
        }
    }
}

/// One caller, and what it holds.
struct Watcher {
    start: wire::WatchNearbyStart,
    query: Query,
    /// Radius of the circle that the caller may really be in.
    accuracy_m: f64,
    shown: Shown,
    set: Set,
    /// The revision up to which all changes have been looked at.
    seen: Revision,
    steps: u64,
}

impl Watcher {
    fn start(first: wire::WatchNearbyRequest, settings: SearchSettings) -> Result<Self, ServiceError> {
        let Some(Step::Start(given)) = first.step else {
            return Err(ServiceError::invalid(
                "start",
                reason::REQUIRED,
                "must be given in the first message",
            ));
        };
        start_from_wire(given, settings).map_err(|error| error.below("start"))
    }

    fn move_to(&mut self, step: wire::WatchNearbyRequest) -> Result<(), ServiceError> {
        let origin = match step.step {
            Some(Step::Origin(origin)) => Some(origin),
            Some(Step::Start(_)) => {
                let description = "must be in the first message only; open another watch";
                return Err(ServiceError::invalid("start", reason::UNEXPECTED, description));
            }
            None => None,
        };
        self.query.origin = Ecef::from(position_from_wire(origin.as_ref(), "origin")?.to_wgs84());
        self.accuracy_m = origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
        self.start.origin = origin;
        self.steps += 1;
        Ok(())
    }

    /// The first answer: the whole set, or that it is still what the caller holds.
    async fn begin(
        &mut self,
        (service, turns): (&Service, &Turns),
    ) -> Result<Encoded<wire::WatchNearbyResponse>, ServiceError> {
        let held = std::mem::take(&mut self.start.resume_token);
        let held = service.tokens.open(&held, &self.fingerprint()).ok().flatten();
        let (found, revision) = self.search(service, turns).await?;
        self.seen = revision;
        let difference = self.set.become_these(found);
        let is_held = held.is_some_and(|held| held.digest() == Some(self.set.digest()));
        let difference = if is_held { diff::Difference::default() } else { difference };
        self.shown.encode(&difference, revision, !is_held, self.steps, &self.token(service)?)
    }

    /// What has changed since the last answer; nothing where nothing has and that need not be said.
    async fn look(
        &mut self,
        (service, turns): (&Service, &Turns),
        only_changes: bool,
    ) -> Result<Option<Encoded<wire::WatchNearbyResponse>>, ServiceError> {
        let (found, revision) = self.search(service, turns).await?;
        self.seen = revision;
        let difference = self.set.become_these(found);
        if only_changes && difference.is_empty() {
            return Ok(None);
        }
        let token = self.token(service)?;
        self.shown.encode(&difference, revision, false, self.steps, &token).map(Some)
    }

    /// Whether something has changed that may be near.
    fn concerns(&mut self, service: &Service) -> bool {
        let Some(changes) = service.feed.recent(self.seen, MOST_LOOKED_AT) else { return true };
        let is_near =
            changes.len() == MOST_LOOKED_AT || changes.iter().any(|change| self.may_concern(change));
        if let Some(last) = changes.last().filter(|_| !is_near) {
            self.seen = last.revision();
        }
        is_near
    }

    fn may_concern(&self, change: &Change) -> bool {
        let is_within = |position: nearby_index::AnyPosition| {
            Ecef::from(position.to_wgs84()).distance(self.query.origin) <= self.query.radius.meters()
        };
        self.set.holds(change.id())
            || matches!(change, Change::Put(stored) if is_within(stored.merchant.position))
    }

    async fn search(&self, service: &Service, turns: &Turns) -> Result<(Vec<Held>, Revision), ServiceError> {
        let (query, accuracy_m, snapshot) = (self.query.clone(), self.accuracy_m, service.snapshot());
        let job = move |goes_on: &dyn Fn() -> bool| {
            let mut hits = Hits::default();
            let steering = nearby_index::Steering { accepts: None, goes_on: Some(goes_on) };
            snapshot.search_into(&query, steering, &mut hits);
            let found = hits.as_slice().iter().map(|hit| Held {
                distance: hit.distance,
                uncertain: is_uncertain(hit.distance, &query, accuracy_m),
                merchant: Arc::clone(hit.merchant),
            });
            let is_whole = hits.end() != nearby_index::End::Stopped;
            Ok(is_whole.then(|| (found.collect(), snapshot.revision())))
        };
        at_work((turns, None), Deadline::default(), job).await
    }

    fn token(&self, service: &Service) -> Result<String, ServiceError> {
        service.tokens.seal(&Payload::of_digest(self.set.digest()), &self.fingerprint())
    }

    /// What decides which merchants are in the set.
    fn fingerprint(&self) -> Fingerprint {
        let decisive = wire::WatchNearbyStart {
            view: 0,
            output_coordinate_system: 0,
            resume_token: String::new(),
            ..self.start.clone()
        };
        Fingerprint::of("WatchNearby").with(&decisive.encode_to_vec())
    }
}

fn start_from_wire(given: wire::WatchNearbyStart, settings: SearchSettings) -> Result<Watcher, ServiceError> {
    let mut check = Check::under("");
    let limit = check.absorb(page_size(given.max_results, "max_results", 100, 1_000)).unwrap_or(Limit::NONE);
    let ring = Ring { origin: given.origin, radius_m: given.radius_m, min_distance_m: given.min_distance_m };
    let area = area_from_wire(&mut check, &ring, given.filter.as_ref(), limit, settings);
    let view = check.absorb(view_from_wire(given.view, wire::MerchantView::Basic));
    let output = check.absorb(output_datum_from_wire(given.output_coordinate_system));
    check.finish()?;
    let (Some((query, _)), Some(view), Some(output)) = (area, view, output) else {
        return Err(ServiceError::Internal("a watch was refused without a reason"));
    };
    may_see(query.filter.shown, settings)?;
    let accuracy_m = given.origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
    let shown = Shown { view, output };
    Ok(Watcher {
        start: given,
        query,
        accuracy_m,
        shown,
        set: Set::default(),
        seen: Revision::ZERO,
        steps: 1,
    })
}
