//! Too much to do: what has waited too long is refused at once, so that the rest is answered in time.
//!
//! A call waits from when its head was read until a worker has time for it. While most calls have waited longer than
//! [`TARGET`], the server is overloaded, and whatever has waited longer than that is refused: to say no costs a
//! tenth of an answer. It takes a window of [`BURST`] to tell, so that a short burst is borne. (The two times of "Fail at Scale", Maurer, ACM Queue
//! 13(8), 2015; there the shortest wait of an interval decides, but tokio runs the newest task of a worker first, so that there
//! is always one that has not waited.) A call whose caller has given up is not begun.

use std::{
    pin::Pin,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::{Duration, Instant},
};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tonic::{Status, body::Body};
use tower::{Layer, Service};

use super::deadline::Deadline;
use crate::{error::ServiceError, telemetry::metrics::Metrics};
use crate::{
    grpc::method::{Class, Method},
    overload::{
        state::{Pressure, PressureOfQueue},
        work_queue::Turns,
    },
};

/// How long calls may wait when there is too much to do, by what they are.
const TARGET: Duration = Duration::from_millis(10);
const TARGET_OF_BULK: Duration = Duration::from_millis(5);
const TARGET_OF_WRITES: Duration = Duration::from_millis(40);
/// How long it takes to see that there is too much to do.
const BURST: Duration = Duration::from_millis(100);
/// So many calls of a window must have waited: one caller after the other does not make a queue, however slow the machine is
/// with other things.
const FEWEST: u64 = 10;

/// Knows how long calls wait; shared by its clones. As a layer it refuses those that have waited too long.
#[derive(Clone, Debug)]
pub(crate) struct Admission(Arc<Waits>);

#[derive(Debug)]
struct Waits {
    start: Instant,
    /// When the present window ends, in microseconds since the start.
    window_ends_us: AtomicU64,
    /// Calls of this window, those of them that had waited for longer than [`TARGET`], and those that were refused.
    seen: AtomicU64,
    late: AtomicU64,
    refused: AtomicU64,
    pressure: PressureOfQueue,
    /// Turns of calls that are bulk.
    bulk: Turns,
    metrics: Arc<Metrics>,
}

impl Admission {
    pub(crate) fn new(bulk: Turns, pressure: &Pressure, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Waits {
            bulk,
            metrics,
            start: Instant::now(),
            window_ends_us: AtomicU64::new(0),
            seen: AtomicU64::new(0),
            late: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            pressure: pressure.of_queue(),
        }))
    }
}

impl Waits {
    /// Whether a call that has waited so long is let in.
    fn admits(&self, method: &Method, waited: Duration, now: Instant) -> bool {
        // It would wait for its turn too long. To see that now spares it and us its request.
        let is_let_in = self.bears(method.class, waited, now);
        is_let_in && !(method.takes_turn() && self.bulk.refuse(method.class))
    }

    fn bears(&self, class: Class, waited: Duration, now: Instant) -> bool {
        self.metrics.door.wait_s.observe(waited.as_secs_f64());
        self.seen.fetch_add(1, Ordering::Relaxed);
        if waited > TARGET {
            self.late.fetch_add(1, Ordering::Relaxed);
        }
        self.look(now);
        let most = match class {
            Class::Write => TARGET_OF_WRITES,
            Class::Search => TARGET,
            Class::Bulk => TARGET_OF_BULK,
        };
        let is_admitted = waited <= most || !self.pressure.is_on();
        if !is_admitted {
            self.refused.fetch_add(1, Ordering::Relaxed);
            self.metrics.door.shed.with_label_values(&[class.as_str()]).inc();
        }
        is_admitted
    }

    /// Judges the window, if it is over. There is too much to do where most have waited too long. As those are refused from
    /// then on the rest waits no longer: it is over when hardly any had to be refused.
    fn look(&self, now: Instant) {
        let now_us = micros(now.saturating_duration_since(self.start));
        let ends_us = self.window_ends_us.load(Ordering::Relaxed);
        let next_us = now_us + micros(BURST);
        if now_us < ends_us
            || self
                .window_ends_us
                .compare_exchange(ends_us, next_us, Ordering::Relaxed, Ordering::Relaxed)
                .is_err()
        {
            return;
        }
        let [seen, late, refused] =
            [&self.seen, &self.late, &self.refused].map(|count| count.swap(0, Ordering::Relaxed));
        let was = self.pressure.is_on();
        let is = if was { refused * 50 > seen } else { late * 2 > seen && late >= FEWEST };
        // Nobody came for as long as a window: what was before is over.
        let is = is && now_us < ends_us.saturating_add(micros(BURST));
        self.pressure.set(is);
        if was != is {
            tracing::debug!(overloaded = is, seen, late, refused, "how long calls wait");
        }
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

impl<S> Layer<S> for Admission {
    type Service = Admitted<S>;

    fn layer(&self, inner: S) -> Admitted<S> {
        Admitted { inner, admission: self.clone() }
    }
}

/// A service that refuses what has waited too long.
#[derive(Clone, Debug)]
pub(crate) struct Admitted<S> {
    inner: S,
    admission: Admission,
}

impl<S> Service<Request<Body>> for Admitted<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone,
{
    type Response = Response<Body>;
    type Error = S::Error;
    type Future = AdmittedFuture<S>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<Body>) -> AdmittedFuture<S> {
        let Some(method) = Method::of(request.uri().path()) else {
            return AdmittedFuture::Begun { inner: self.inner.call(request) };
        };
        // The one that is ready is the one to call; its clone takes its place.
        let clone = self.inner.clone();
        let inner = std::mem::replace(&mut self.inner, clone);
        let call = Some((inner, request));
        AdmittedFuture::Waiting {
            call,
            since: Instant::now(),
            method,
            admission: self.admission.clone(),
            is_queued: false,
        }
    }
}

pin_project! {
    /// A call until its answer begins.
    #[project = Project]
    pub(crate) enum AdmittedFuture<S: Service<Request<Body>>> {
        /// Nobody has had time for it yet.
        Waiting { call: Option<(S, Request<Body>)>, since: Instant, method: &'static Method, admission: Admission, is_queued: bool },
        /// It is being answered.
        Begun { #[pin] inner: S::Future },
    }
}

impl<S> Future for AdmittedFuture<S>
where
    S: Service<Request<Body>, Response = Response<Body>>,
{
    type Output = Result<Response<Body>, S::Error>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        loop {
            match self.as_mut().project() {
                Project::Begun { inner } => return inner.poll(context),
                Project::Waiting { call, since, method, admission, is_queued } => {
                    // The newest task of a worker runs first, whatever waits: so each goes to the end of the queue once.
                    if !std::mem::replace(is_queued, true) {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    // Polled after its end, which nobody does, it would wait for ever.
                    let Some((mut service, request)) = call.take() else { return Poll::Pending };
                    let now = Instant::now();
                    if !admission.0.admits(method, now.saturating_duration_since(*since), now) {
                        return Poll::Ready(Ok(refusal()));
                    }
                    if request.extensions().get::<Deadline>().is_some_and(|deadline| deadline.has_passed()) {
                        return Poll::Ready(Ok(Status::from(ServiceError::DeadlineExceeded).into_http()));
                    }
                    let inner = service.call(request);
                    self.set(AdmittedFuture::Begun { inner });
                }
            }
        }
    }
}

/// What a call is told for which there is no time: made once, as there is even less time for that.
fn refusal() -> Response<Body> {
    static HEADERS: LazyLock<http::HeaderMap> =
        LazyLock::new(|| Status::from(ServiceError::Busy).into_http::<Body>().headers().clone());

    let mut response = Response::new(Body::empty());
    *response.headers_mut() = HEADERS.clone();
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn admission() -> Admission {
        let (pressure, metrics) = (Pressure::default(), Arc::new(Metrics::new().unwrap()));
        Admission::new(Turns::new(&pressure, Arc::clone(&metrics)), &pressure, metrics)
    }

    const MILLISECOND: Duration = Duration::from_millis(1);

    /// So many calls within a window, each of which has waited so long: how many were let in.
    fn window(waits: &Waits, number: u32, calls: u32, class: Class, waited: Duration) -> u32 {
        let at = waits.start + BURST * number + MILLISECOND;
        (0..calls).map(|_| u32::from(waits.bears(class, waited, at))).sum()
    }

    #[test]
    fn a_burst_is_borne_and_a_flood_is_not() {
        let Admission(waits) = admission();
        assert_eq!(window(&waits, 0, 100, Class::Search, MILLISECOND), 100);
        assert_eq!(window(&waits, 1, 100, Class::Search, MILLISECOND * 50), 100, "a burst");
        // Only now it is known that most of a window has waited.
        assert_eq!(window(&waits, 2, 100, Class::Search, MILLISECOND * 50), 0, "a flood");
        assert_eq!(window(&waits, 3, 100, Class::Search, MILLISECOND * 9), 100);
        assert_eq!(window(&waits, 4, 100, Class::Search, MILLISECOND * 50), 100, "it is over");
    }

    #[test]
    fn bursts_with_pauses_are_no_flood() {
        let Admission(waits) = admission();
        for number in (0..20).step_by(2) {
            assert_eq!(window(&waits, number, 100, Class::Bulk, MILLISECOND * 50), 100, "{number}");
        }
    }

    #[test]
    fn a_few_calls_on_a_slow_machine_are_no_flood() {
        let Admission(waits) = admission();
        for number in 0..10 {
            assert_eq!(window(&waits, number, 5, Class::Bulk, MILLISECOND * 500), 5, "{number}");
        }
    }

    #[test]
    fn who_waits_for_it_decides_what_is_refused_first() {
        let Admission(waits) = admission();
        window(&waits, 0, 1, Class::Search, MILLISECOND);
        window(&waits, 1, 100, Class::Search, MILLISECOND * 50);
        window(&waits, 2, 100, Class::Search, MILLISECOND * 50);
        for (class, waited, is_admitted) in [
            (Class::Bulk, 7, false),
            (Class::Search, 7, true),
            (Class::Search, 20, false),
            (Class::Write, 20, true),
            (Class::Write, 50, false),
        ] {
            let at = waits.start + BURST * 2 + MILLISECOND * 2;
            assert_eq!(waits.bears(class, MILLISECOND * waited, at), is_admitted, "{class:?} {waited}");
        }
    }

    #[test]
    fn it_is_not_over_while_some_still_wait() {
        let Admission(waits) = admission();
        window(&waits, 0, 1, Class::Search, MILLISECOND);
        window(&waits, 1, 100, Class::Search, MILLISECOND * 50);
        for number in 2..10 {
            window(&waits, number, 80, Class::Search, MILLISECOND);
            assert_eq!(window(&waits, number, 20, Class::Search, MILLISECOND * 20), 0, "{number}");
        }
    }

    #[test]
    fn a_refusal_says_when_to_come_again() {
        let refusal = refusal();
        assert_eq!(refusal.headers()["grpc-status"], "14");
        assert!(refusal.headers().contains_key("grpc-retry-pushback-ms"));
        assert!(refusal.headers().contains_key("grpc-status-details-bin"));
    }
}
