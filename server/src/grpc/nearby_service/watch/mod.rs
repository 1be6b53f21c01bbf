//! `WatchNearby`: merchants that enter, leave and change around a moving client.
//!
//! A watcher keeps no history: whenever a merchant near it may have changed, it searches again and sends the difference to
//! the last result. It skips what came and went in between, and needs the memory of one result.

mod diff;

use std::sync::Arc;

use futures_util::FutureExt;
use nearby_index::{Change, Hits, Limit, Query, Radius, Revision, ServedPoint};
use nearby_proto::{Encoded, v1 as wire, v1::watch_nearby_request::Step};
use tokio::time::{error::Elapsed, timeout};
use tonic::{Status, Streaming};

use self::diff::{Difference, OutputFormat, WatchedMerchant, WatchedSet};
use super::{NearbyServiceImpl, SearchSettings, serving::serves, uncertainty::is_uncertain};
use crate::{
    auth::rate_limit::Cost,
    error::ServiceError,
    grpc::{
        convert::{
            Check, Ring, area_from_wire, is_truncated, may_see, output_datum_from_wire, page_size,
            position_from_wire, reach_of, search_area_from_wire, vertices_of, view_from_wire,
        },
        cost::{self, Returned},
        middleware::{deadline::Deadline, error_details::with_details},
        offload::run_or_offload,
        request_context::RequestContext,
        streaming::{ResponseStream, StreamSender, spawn_stream},
    },
    overload::resource::Resource,
    overload::{slice, work_queue::Work},
    page_token::{Fingerprint, Payload},
    reason,
    service::{NOT_READY, Service},
};

/// Steps that one response takes into account at most: a client that sends steps without a pause gets responses, too.
const MAX_MERGED_STEPS: usize = 64;
/// Changes that are checked one by one; with more, the watcher searches again.
const MAX_CHANGES_CHECKED: usize = 4_096;

pub(super) fn responses(
    searches: NearbyServiceImpl,
    steps: Streaming<wire::WatchNearbyRequest>,
    context: RequestContext,
) -> Result<ResponseStream<Encoded<wire::WatchNearbyResponse>>, ServiceError> {
    let service = searches.handle.service()?;
    let work = context.work()?.clone();
    let held = work.acquire(Resource::SearchWatchers)?;
    Ok(spawn_stream(&work, searches.watch_send_timeout, |sender| async move {
        let watched = watch(&searches, (&service, &context), steps, &sender).await;
        drop(held);
        watched
    }))
}

async fn watch(
    searches: &NearbyServiceImpl,
    (service, context): (&Service, &RequestContext),
    mut steps: Streaming<wire::WatchNearbyRequest>,
    sender: &StreamSender<Encoded<wire::WatchNearbyResponse>>,
) -> Result<(), Status> {
    let mut latest = service.feed.subscribe();
    let first = tokio::select! {
        first = timeout(searches.watch_send_timeout, steps.message()) => first,
        () = searches.handle.stopping() => return Err(NOT_READY.into()),
    };
    let first = first.map_err(|Elapsed { .. }| ServiceError::WatcherTooSlow(searches.watch_send_timeout))?;
    let Some(first) = first.map_err(with_details)? else { return Ok(()) };
    let mut watcher = Watcher::start(first, searches.settings_for(context))?;
    context.charges.add_debt(watcher.area_cost());
    sender.send(watcher.first_response(service, context).await?).await?;
    let mut client_is_done = false;
    loop {
        let steps_before = watcher.steps;
        let is_due = tokio::select! {
            step = steps.message(), if !client_is_done => match step.map_err(with_details)? {
                Some(step) => {
                    context.charges.add_debt(watcher.area_cost());
                    watcher.move_to(step)?;
                    true
                }
                // The client moves no more, but still reads.
                None => {
                    client_is_done = true;
                    false
                }
            },
            changed = latest.changed() => {
                changed.map_err(|_| NOT_READY)?;
                watcher.is_affected(service)
            }
            () = searches.handle.stopping() => return Err(NOT_READY.into()),
        };
        if !is_due {
            continue;
        }
        // A client that moves faster than its rate limit allows gets fewer responses, each with all its steps.
        tokio::select! {
            charged = context.charges.charge_in_time(cost::SEARCH) => charged?,
            () = searches.handle.stopping() => return Err(NOT_READY.into()),
        }
        if !client_is_done {
            client_is_done = !watcher.take_arrived(&mut steps, context)?;
        }
        let only_changes = watcher.steps == steps_before;
        if let Some(response) = watcher.next_response(service, context, only_changes).await? {
            sender.send(response).await?;
        }
    }
}

/// One caller, and what it contains.
struct Watcher {
    start: wire::WatchNearbyStart,
    query: Query,
    /// Largest distance of merchants that serve the origin.
    max_service_radius: Radius,
    /// The origin, as a point to be served.
    served: ServedPoint,
    /// Accuracy of the origin, in metres.
    accuracy_m: f64,
    format: OutputFormat,
    set: WatchedSet,
    /// The revision up to which all changes have been checked.
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

    /// Moves to the steps that have arrived while the watch waited for its turn: together they have one response. Returns whether the
    /// client may send more.
    fn take_arrived(
        &mut self,
        steps: &mut Streaming<wire::WatchNearbyRequest>,
        context: &RequestContext,
    ) -> Result<bool, Status> {
        for _ in 0..MAX_MERGED_STEPS {
            let Some(arrived) = steps.message().now_or_never() else { break };
            let Some(step) = arrived.map_err(with_details)? else { return Ok(false) };
            context.charges.add_debt(cost::MERGED_STEP + self.area_cost());
            self.move_to(step)?;
        }
        Ok(true)
    }

    fn move_to(&mut self, step: wire::WatchNearbyRequest) -> Result<(), ServiceError> {
        let origin = match step.step {
            Some(Step::Origin(origin)) => Some(origin),
            Some(Step::Start(_)) => {
                let description = "is allowed in the first message only; start another watch";
                return Err(ServiceError::invalid("start", reason::UNEXPECTED, description));
            }
            None => None,
        };
        self.served = ServedPoint::exact(position_from_wire(origin.as_ref(), "origin")?.to_wgs84());
        self.query.origin = self.served.ecef;
        self.query.reach = reach_of(self.start.reach(), self.served, self.max_service_radius);
        if let Some(area) = &self.start.area {
            // The plane of its polygons is at the origin.
            self.query.area = Some(Arc::new(search_area_from_wire(area, self.served.wgs84)?));
        }
        self.accuracy_m = origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
        self.start.origin = origin;
        self.steps += 1;
        Ok(())
    }

    /// The cost of the area at an origin.
    fn area_cost(&self) -> Cost {
        cost::vertices(vertices_of(self.start.area.as_ref()))
    }

    /// The first response: the whole set, or nothing if the client already has it.
    async fn first_response(
        &mut self,
        service: &Service,
        context: &RequestContext,
    ) -> Result<Encoded<wire::WatchNearbyResponse>, ServiceError> {
        let resumed = std::mem::take(&mut self.start.resume_token);
        let resumed = service.tokens.open(&resumed, &self.fingerprint()).ok().flatten();
        let (difference, revision) = self.update(service, context).await?;
        let is_current = resumed.is_some_and(|resumed| resumed.digest() == Some(self.set.digest()));
        let difference = if is_current { Difference::default() } else { difference };
        self.response(&difference, (revision, !is_current), service, context)
    }

    /// The difference to the last response; `None` if there is none and the client did not move.
    async fn next_response(
        &mut self,
        service: &Service,
        context: &RequestContext,
        only_changes: bool,
    ) -> Result<Option<Encoded<wire::WatchNearbyResponse>>, ServiceError> {
        let (difference, revision) = self.update(service, context).await?;
        if only_changes && difference.is_empty() {
            return Ok(None);
        }
        self.response(&difference, (revision, false), service, context).map(Some)
    }

    /// Searches again, and returns the difference to the last result.
    async fn update(
        &mut self,
        service: &Service,
        context: &RequestContext,
    ) -> Result<(Difference, Revision), ServiceError> {
        let (found, revision) = self.search(service, context.work()?).await?;
        self.seen = revision;
        slice::yield_if_over().await;
        context.charges.add_debt(cost::compared(found.len()));
        let difference = self.set.update(found);
        slice::yield_if_over().await;
        Ok((difference, revision))
    }

    fn response(
        &self,
        difference: &Difference,
        (revision, reset): (Revision, bool),
        service: &Service,
        context: &RequestContext,
    ) -> Result<Encoded<wire::WatchNearbyResponse>, ServiceError> {
        let progress = (self.steps, is_truncated(&self.query, &self.served));
        let response = self.format.encode(difference, revision, reset, progress, &self.token(service)?)?;
        let mut returned =
            Returned::of(self.format.view, difference.entered.len() + difference.updated.len(), 0);
        // Without the fields of the merchants.
        returned.short += difference.moved.len() + difference.left.len();
        returned.bytes = response.as_bytes().len();
        context.charges.add_debt(returned.further_cost());
        Ok(response)
    }

    /// Returns whether a change may affect the result.
    fn is_affected(&mut self, service: &Service) -> bool {
        let Some(changes) = service.feed.recent(self.seen, MAX_CHANGES_CHECKED) else { return true };
        let is_near =
            changes.len() == MAX_CHANGES_CHECKED || changes.iter().any(|change| self.may_affect(change));
        if let Some(last) = changes.last().filter(|_| !is_near) {
            self.seen = last.revision();
        }
        is_near
    }

    fn may_affect(&self, change: &Change) -> bool {
        self.set.contains(change.id()) || matches!(change, Change::Put(stored) if self.query.covers(stored))
    }

    async fn search(
        &self,
        service: &Service,
        work: &Work,
    ) -> Result<(Vec<WatchedMerchant>, Revision), ServiceError> {
        let (query, accuracy_m, snapshot) = (self.query.clone(), self.accuracy_m, service.snapshot());
        let served = self.served;
        let job = move |should_continue: &dyn Fn() -> bool| {
            let mut hits = Hits::default();
            let control =
                nearby_index::SearchControl { predicate: None, should_continue: Some(should_continue) };
            snapshot.search_into(&query, control, &mut hits);
            let found = hits.as_slice().iter().map(|hit| WatchedMerchant {
                distance: hit.distance,
                uncertain: is_uncertain(hit, &query, accuracy_m),
                serves_origin: serves(hit, &served),
                merchant: Arc::clone(hit.merchant),
            });
            let is_whole = hits.end() != nearby_index::End::Stopped;
            Ok(is_whole.then(|| (found.collect(), snapshot.revision())))
        };
        run_or_offload(work, Deadline::default(), job).await
    }

    fn token(&self, service: &Service) -> Result<String, ServiceError> {
        service.tokens.seal(&Payload::of_digest(self.set.digest()), &self.fingerprint())
    }

    /// The fields of the request that decide the set.
    fn fingerprint(&self) -> Fingerprint {
        let decisive = wire::WatchNearbyStart {
            view: 0,
            output_coordinate_system: 0,
            resume_token: String::new(),
            ..self.start.clone()
        };
        Fingerprint::of("WatchNearby").with_message(&decisive)
    }
}

fn start_from_wire(given: wire::WatchNearbyStart, settings: SearchSettings) -> Result<Watcher, ServiceError> {
    let mut check = Check::under("");
    let limit =
        check.absorb(page_size(given.max_results, "max_results", 100, 1_000)).unwrap_or(Limit::UNLIMITED);
    let ring = Ring {
        origin: given.origin,
        radius_m: given.radius_m,
        min_distance_m: given.min_distance_m,
        reach: given.reach,
        area: given.area.as_ref(),
    };
    let area = area_from_wire(&mut check, &ring, given.filter.as_ref(), limit, settings);
    let view = check.absorb(view_from_wire(given.view, wire::MerchantView::Basic, settings.shows_internal));
    let output = check.absorb(output_datum_from_wire(given.output_coordinate_system));
    check.finish()?;
    let (Some((query, served)), Some(view), Some(output)) = (area, view, output) else {
        return Err(ServiceError::Internal("a watch was rejected without a violation"));
    };
    may_see(query.filter.visibility, settings)?;
    let accuracy_m = given.origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
    let format = OutputFormat { view, output };
    Ok(Watcher {
        start: given,
        query,
        max_service_radius: settings.max_service_radius,
        served,
        accuracy_m,
        format,
        set: WatchedSet::default(),
        seen: Revision::ZERO,
        steps: 1,
    })
}
