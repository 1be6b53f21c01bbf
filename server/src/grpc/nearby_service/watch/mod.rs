//! `WatchNearby` and `WatchNearbyFrom`: merchants that enter, leave and change around a client, which may move.
//!
//! A watcher keeps no history: whenever a merchant near it may have changed, it searches again and sends the difference to
//! the last result. It skips what came and went in between, and needs the memory of one result.

mod diff;

use std::{cell::Cell, num::NonZeroUsize, sync::Arc, time::Duration};

use futures_util::FutureExt;
use nearby_index::{
    Effort, End, Hit, Hits, Limit, Query, Radius, Reach, Revision, SearchControl, ServedPoint, Snapshot,
    Term, TermKind, UnixMicros, VisibilityFilter,
};
use nearby_proto::{Encoded, v1 as wire, v1::watch_nearby_request::Step};
use tokio::time::{error::Elapsed, timeout};
use tonic::{Status, Streaming};

use self::diff::{Difference, OutputFormat, WatchedMerchant, WatchedSet};
use super::{
    NearbyServiceImpl, SearchSettings, brand_limit::BrandLimited, serving::serves, uncertainty::is_uncertain,
};
use crate::{
    auth::rate_limit::Cost,
    clock::Clock,
    error::ServiceError,
    grpc::{
        convert::{
            Check, Ring, area_from_wire, is_truncated, language_from_wire, max_per_brand_from_wire, may_see,
            origin_from_wire, output_datum_from_wire, page_size, reach_of, search_area_from_wire,
            vertices_of, view_from_wire,
        },
        cost::{self, Returned},
        middleware::{deadline::Deadline, error_details::with_details},
        offload::{MAX_INLINE_VERTICES, offload, run_or_offload},
        request_context::RequestContext,
        streaming::{ResponseStream, StreamSender, spawn_stream},
    },
    overload::resource::Resource,
    overload::slice,
    page_token::{Fingerprint, Payload},
    reason,
    service::{NOT_READY, Service},
    watch_registry::Watched,
};

/// Steps that one response takes into account at most: a client that sends steps without a pause gets responses, too.
const MAX_MERGED_STEPS: usize = 64;

/// The messages of a client. One that cannot stream sends only the start.
pub(super) enum Steps {
    /// The start, then updated origins.
    Stream(Box<Streaming<wire::WatchNearbyRequest>>),
    /// The start only; `None` once it is taken.
    Start(Option<Box<wire::WatchNearbyStart>>),
}

impl Steps {
    /// Returns the start, checked; `None` if the client sends none.
    async fn start(&mut self, settings: SearchSettings, clock: &Clock) -> Result<Option<Watcher>, Status> {
        match self {
            Self::Stream(steps) => {
                let Some(first) = steps.message().await.map_err(with_details)? else { return Ok(None) };
                Ok(Some(Watcher::start(first, settings, clock)?))
            }
            Self::Start(start) => {
                Ok(start.take().map(|start| start_from_wire(*start, settings, clock)).transpose()?)
            }
        }
    }

    /// Returns the next origin; `None` if the client sends no more.
    async fn message(&mut self) -> Result<Option<wire::WatchNearbyRequest>, Status> {
        match self {
            Self::Stream(steps) => steps.message().await.map_err(with_details),
            Self::Start(_) => Ok(None),
        }
    }
}

pub(super) fn responses(
    searches: NearbyServiceImpl,
    steps: Steps,
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
    mut steps: Steps,
    sender: &StreamSender<Encoded<wire::WatchNearbyResponse>>,
) -> Result<(), Status> {
    let started = tokio::select! {
        started = timeout(
            searches.watch_send_timeout,
            steps.start(searches.settings_for(context), &searches.clock),
        ) => started,
        () = searches.handle.stopping() => return Err(NOT_READY.into()),
    };
    let started =
        started.map_err(|Elapsed { .. }| ServiceError::WatcherTooSlow(searches.watch_send_timeout))?;
    let Some(mut watcher) = started? else { return Ok(()) };
    context.charges.add_debt(watcher.area_cost());
    // Registered before the first search, so that no change is missed between the two.
    let mut registration = service.watches.register(watcher.watched());
    sender.send(watcher.first_response(service, context).await?).await?;
    let mut client_is_done = false;
    loop {
        let steps_before = watcher.steps;
        let is_due = tokio::select! {
            step = steps.message(), if !client_is_done => match step? {
                Some(step) => {
                    watcher.move_to(step)?;
                    true
                }
                // The client moves no more, but still reads.
                None => {
                    client_is_done = true;
                    false
                }
            },
            () = registration.changed() => true,
            () = validity_change(watcher.next_validity_change, &searches.clock) => true,
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
        if !only_changes {
            registration.move_to(watcher.watched());
        }
        if let Some(response) = watcher.next_response(service, context, only_changes).await? {
            sender.send(response).await?;
        }
    }
}

/// Time after which the wall clock is read again: it may have been set.
const MAX_CLOCK_WAIT: Duration = Duration::from_secs(600);

/// Completes at a time of the wall clock, and never without one.
async fn validity_change(at: Option<UnixMicros>, clock: &Clock) {
    let Some(at) = at else { return std::future::pending().await };
    while let Some(wait) = u64::try_from(at.0.saturating_sub(clock().0)).ok().filter(|wait| *wait > 0) {
        tokio::time::sleep(Duration::from_micros(wait).min(MAX_CLOCK_WAIT)).await;
    }
}

/// Returns the next time at which a merchant that otherwise belongs to the results of a query becomes valid, or stops being valid. `None` if
/// the search was stopped.
fn next_validity_change(
    snapshot: &Snapshot,
    query: &Query,
    control: SearchControl<'_>,
    examined: &Cell<usize>,
) -> Option<Option<UnixMicros>> {
    let Some(now) = query.filter.valid_at[0].filter(|_| snapshot.has_limited_validity()) else {
        return Some(None);
    };
    let mut query = Query { limit: Limit::UNLIMITED, ..query.clone() };
    query.filter.visibility = VisibilityFilter::All;
    query.filter.any_of.push(vec![Term::new(TermKind::LimitedValidity, "")]);
    let mut next: Option<UnixMicros> = None;
    let is_whole = snapshot.for_each(&query, control, |hit| {
        examined.set(examined.get() + 1);
        let change = hit.merchant.merchant.limited_validity().and_then(|validity| validity.next_change(now));
        next = next.into_iter().chain(change).min();
    });
    is_whole.then_some(next)
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
    /// The origin has changed since the area was projected.
    is_area_stale: bool,
    max_per_brand: Option<NonZeroUsize>,
    format: OutputFormat,
    set: WatchedSet,
    clock: Clock,
    /// The next time at which a merchant within reach becomes valid, or stops being valid.
    next_validity_change: Option<UnixMicros>,
    steps: u64,
}

impl Watcher {
    fn start(
        first: wire::WatchNearbyRequest,
        settings: SearchSettings,
        clock: &Clock,
    ) -> Result<Self, ServiceError> {
        let Some(Step::Start(given)) = first.step else {
            return Err(ServiceError::invalid(
                "start",
                reason::REQUIRED,
                "must be given in the first message",
            ));
        };
        start_from_wire(given, settings, clock).map_err(|error| error.below("start"))
    }

    /// Moves to the steps that have arrived while the watch waited for its turn: together they have one response. Returns whether the
    /// client may send more.
    fn take_arrived(&mut self, steps: &mut Steps, context: &RequestContext) -> Result<bool, Status> {
        for _ in 0..MAX_MERGED_STEPS {
            let Some(arrived) = steps.message().now_or_never() else { break };
            let Some(step) = arrived? else { return Ok(false) };
            context.charges.add_debt(cost::MERGED_STEP);
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
        self.served = ServedPoint::exact(origin_from_wire(origin.as_ref(), "origin")?.to_wgs84());
        self.query.origin = self.served.ecef;
        self.query.reach = reach_of(self.start.reach(), self.served, self.max_service_radius);
        self.is_area_stale = self.start.area.is_some();
        self.accuracy_m = origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
        self.start.origin = origin;
        self.steps += 1;
        Ok(())
    }

    /// Projects the area around the last origin, as the plane of its polygons is there. Once for all steps of a response: with 1,000
    /// vertices it takes two milliseconds.
    async fn project_area(&mut self, context: &RequestContext) -> Result<(), ServiceError> {
        let is_stale = std::mem::take(&mut self.is_area_stale);
        let Some(area) = self.start.area.as_ref().filter(|_| is_stale) else { return Ok(()) };
        context.charges.add_debt(self.area_cost());
        let origin = self.served.wgs84;
        let area = if vertices_of(Some(area)) <= MAX_INLINE_VERTICES {
            search_area_from_wire(area, origin)?
        } else {
            let area = area.clone();
            let job = move || search_area_from_wire(&area, origin);
            offload(context.work()?, Deadline::default(), job).await?
        };
        self.query.area = Some(Arc::new(area));
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
        self.project_area(context).await?;
        self.query.filter.valid_at[0] = Some((self.clock)());
        let (found, revision, next_validity_change) = self.search(service, context).await?;
        self.next_validity_change = next_validity_change;
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

    /// The merchants whose changes the watch must see.
    fn watched(&self) -> Watched {
        let radius = self.query.radius.meters();
        let (near, is_served) = match self.query.reach {
            Reach::Near => (Some(radius), false),
            Reach::Serving(_) => (None, true),
            Reach::NearOrServing { .. } => (Some(radius), true),
        };
        Watched { origin: self.query.origin, near, is_served }
    }

    async fn search(
        &self,
        service: &Service,
        context: &RequestContext,
    ) -> Result<(Vec<WatchedMerchant>, Revision, Option<UnixMicros>), ServiceError> {
        let (query, accuracy_m, snapshot) = (self.query.clone(), self.accuracy_m, service.snapshot());
        let served = self.served;
        let charges = Arc::clone(&context.charges);
        let max_per_brand = self.max_per_brand;
        let job = move |should_continue: &dyn Fn() -> bool| {
            let (examined, effort) = (Cell::new(0), Effort::default());
            let control = SearchControl {
                should_continue: Some(should_continue),
                effort: Some(&effort),
                ..SearchControl::default()
            };
            let watched = |hit: Hit<'_>| WatchedMerchant {
                distance: hit.distance,
                uncertain: is_uncertain(&hit, &query, accuracy_m, &effort),
                serves_origin: serves(&hit, &served, &effort),
                merchant: Arc::clone(hit.merchant),
            };
            let (found, is_whole): (Vec<WatchedMerchant>, bool) = match max_per_brand {
                None => {
                    let mut hits = Hits::default();
                    snapshot.search_into(&query, control, &mut hits);
                    (hits.as_slice().iter().copied().map(watched).collect(), hits.end() != End::Stopped)
                }
                Some(max) => {
                    let mut ranked = BrandLimited::new((&snapshot, &query), control, max, &examined);
                    let found = ranked.by_ref().take(query.limit.get()).map(watched).collect();
                    (found, !ranked.is_stopped())
                }
            };
            let next_change =
                if is_whole { next_validity_change(&snapshot, &query, control, &examined) } else { None };
            charges.add_debt(cost::search_work(0, examined.get()) + cost::effort(&effort));
            Ok(next_change.map(|next_change| (found, snapshot.revision(), next_change)))
        };
        run_or_offload(context.work()?, Deadline::default(), job).await
    }

    fn token(&self, service: &Service) -> Result<String, ServiceError> {
        service.tokens.seal(&Payload::of_digest(self.set.digest()), &self.fingerprint())
    }

    /// The fields of the request that decide the set.
    fn fingerprint(&self) -> Fingerprint {
        let decisive = wire::WatchNearbyStart {
            view: 0,
            output_coordinate_system: 0,
            language_code: String::new(),
            resume_token: String::new(),
            ..self.start.clone()
        };
        Fingerprint::of("WatchNearby").with_message(&decisive)
    }
}

fn start_from_wire(
    given: wire::WatchNearbyStart,
    settings: SearchSettings,
    clock: &Clock,
) -> Result<Watcher, ServiceError> {
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
    let area = area_from_wire(&mut check, &ring, given.filter.as_ref(), limit, (settings, clock()));
    let view = check.absorb(view_from_wire(given.view, wire::MerchantView::Basic, settings.shows_internal));
    let output = check.absorb(output_datum_from_wire(given.output_coordinate_system));
    let language = check.absorb(language_from_wire(&given.language_code, "language_code"));
    let max_per_brand = max_per_brand_from_wire(&mut check, given.max_per_brand);
    check.finish()?;
    let (Some((query, served)), Some(view), Some(output), Some(language)) = (area, view, output, language)
    else {
        return Err(ServiceError::Internal("a watch was rejected without a violation"));
    };
    may_see(given.filter.as_ref(), query.filter.visibility, settings)?;
    let accuracy_m = given.origin.and_then(|origin| origin.accuracy_m).unwrap_or_default();
    let format = OutputFormat { view, output, language };
    Ok(Watcher {
        start: given,
        query,
        max_service_radius: settings.max_service_radius,
        served,
        accuracy_m,
        is_area_stale: false,
        max_per_brand,
        format,
        set: WatchedSet::default(),
        clock: Clock::clone(clock),
        next_validity_change: None,
        steps: 1,
    })
}
