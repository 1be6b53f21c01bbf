//! A model in virtual time: a runtime with one thread, whose tasks advance the clock by what they cost.

use std::{
    collections::{HashMap, VecDeque},
    pin::Pin,
    sync::atomic::{AtomicBool, Ordering},
    task::{Context, Poll, Wake},
};

use proptest::prelude::*;

use super::*;
use crate::{
    clock::ManualClock,
    overload::{resource::ResourceLimits, scheduled::Scheduled},
};

const MICROSECOND: Duration = Duration::from_micros(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const NORMAL: FlowId = FlowId(1);
const NOISY: FlowId = FlowId(2);
/// Calls of this flow are polled once, and then never again.
const STUCK: FlowId = FlowId(99);

type RunQueue = Arc<Mutex<VecDeque<usize>>>;
type Task = Pin<Box<Scheduled<Steps>>>;
/// The task that begins rounds.
const DISPATCHER: usize = usize::MAX;

/// Wakes a task: puts it at the end of the runtime's queue.
struct TaskWaker {
    task: usize,
    is_queued: AtomicBool,
    run_queue: RunQueue,
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        if !self.is_queued.swap(true, Ordering::SeqCst) {
            self.run_queue.lock().unwrap().push_back(self.task);
        }
    }
}

/// Work of a number of steps, each with a cost, and ready for the next one at once.
struct Steps {
    left: u32,
    cost: Duration,
    clock: ManualClock,
}

impl Future for Steps {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.clock.advance(self.cost);
        self.left -= 1;
        if self.left == 0 {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// The outcome of a call.
#[derive(Clone, Copy, Debug)]
struct Ended {
    flow: FlowId,
    took: Duration,
    is_ok: bool,
}

struct Call {
    task: Task,
    flow: FlowId,
    began: Instant,
    waker: Arc<TaskWaker>,
}

struct Model {
    clock: ManualClock,
    queue: WorkQueue,
    run_queue: RunQueue,
    dispatcher: (Pin<Box<dyn Future<Output = ()>>>, Arc<TaskWaker>),
    calls: Vec<Option<Call>>,
    ended: Vec<Ended>,
    /// Calls that have not ended.
    in_progress: HashMap<FlowId, usize>,
    /// Time in which no task could run.
    idle: Duration,
}

impl Model {
    fn new() -> Self {
        let clock = ManualClock::default();
        let metrics = Arc::new(Metrics::new().unwrap());
        let limits = PrincipalLimits::new(ResourceLimits::default(), Arc::clone(&metrics));
        let clocks = (clock.monotonic(), ThreadCpuClock::none());
        let queue = WorkQueue::with_threads(1, (limits, metrics), clocks);
        let (run_queue, calls, ended) = (RunQueue::default(), Vec::new(), Vec::new());
        let in_progress = HashMap::new();
        let waker = Arc::new(TaskWaker {
            task: DISPATCHER,
            is_queued: AtomicBool::new(false),
            run_queue: Arc::clone(&run_queue),
        });
        let dispatcher: (Pin<Box<dyn Future<Output = ()>>>, _) = (Box::pin(queue.dispatch_loop()), waker);
        dispatcher.1.wake_by_ref();
        Self { clock, queue, run_queue, dispatcher, calls, ended, in_progress, idle: Duration::ZERO }
    }

    fn now(&self) -> Instant {
        self.clock.monotonic().now()
    }

    /// A call of a number of steps arrives.
    fn arrive(&mut self, flow: FlowId, share: u32, class: Class, (steps, cost): (u32, Duration)) {
        *self.in_progress.entry(flow).or_default() += 1;
        let work = self.queue.work_of((flow, NonZeroU32::new(share).unwrap()), class, &Default::default);
        let steps = Steps { left: steps, cost, clock: self.clock.clone() };
        let (began, task) = (self.now(), self.calls.len());
        let waker = TaskWaker { task, is_queued: AtomicBool::new(false), run_queue: self.run_queue.clone() };
        let (task, waker) = (Box::pin(work.schedule_new(steps, began)), Arc::new(waker));
        self.calls.push(Some(Call { task, flow, began, waker: Arc::clone(&waker) }));
        waker.wake();
    }

    /// Runs the first task of the runtime's queue. Returns false if there is none.
    fn run_one(&mut self) -> bool {
        let Some(at) = self.run_queue.lock().unwrap().pop_front() else { return false };
        let now = self.now();
        if at == DISPATCHER {
            let (task, waker) = &mut self.dispatcher;
            waker.is_queued.store(false, Ordering::SeqCst);
            let waker = Waker::from(Arc::clone(waker));
            assert!(task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            return true;
        }
        let Some(call) = &mut self.calls[at] else { return true };
        if call.flow == STUCK {
            return true;
        }
        call.waker.is_queued.store(false, Ordering::SeqCst);
        let waker = Waker::from(Arc::clone(&call.waker));
        if let Poll::Ready(done) = call.task.as_mut().poll(&mut Context::from_waker(&waker)) {
            let took = self.clock.monotonic().now().duration_since(call.began);
            if done.is_err() {
                self.clock.advance(REJECTION_COST);
            }
            // The wait of a shed request: it took no time of its own.
            let took = if done.is_ok() { took } else { now.duration_since(call.began) };
            self.ended.push(Ended { flow: call.flow, took, is_ok: done.is_ok() });
            *self.in_progress.entry(call.flow).or_default() -= 1;
            self.calls[at] = None;
        }
        true
    }

    /// Runs for some time, in which calls arrive: `arrivals` is called after each task.
    fn run(&mut self, time: Duration, mut arrivals: impl FnMut(&mut Self, Duration)) {
        let start = self.now();
        while self.now() < start + time {
            arrivals(self, self.now() - start);
            if !self.run_one() {
                self.clock.advance(MICROSECOND * 10);
                self.idle += MICROSECOND * 10;
            }
        }
    }

    fn of(&self, flow: FlowId) -> impl Iterator<Item = &Ended> {
        self.ended.iter().filter(move |ended| ended.flow == flow)
    }

    fn is_at_rest(&self) -> bool {
        let state = self.queue.state();
        state.permits_in_use == 0
            && state.queue.is_empty()
            && state.waiting.is_empty()
            && state.unused.is_empty()
    }
}

/// 200 searches a second of 60 µs, each 5 ms.
fn normal_client(sent: &mut u32) -> impl FnMut(&mut Model, Duration) {
    move |model, elapsed| {
        while elapsed >= MILLISECOND * 5 * *sent {
            model.arrive(NORMAL, 1, Class::Search, (1, MICROSECOND * 60));
            *sent += 1;
        }
    }
}

#[test]
fn a_principal_within_its_share_waits_for_a_slice_whatever_another_does() {
    let without_end = u32::MAX;
    for (row, calls, steps, cost, class) in [
        ("100 streams of searches", 100, without_end, MICROSECOND * 20, Class::Bulk),
        ("16 streams of searches", 16, without_end, MICROSECOND * 20, Class::Bulk),
        ("800 searches of 500 merchants", 800, 1, MICROSECOND * 500, Class::Search),
        ("1,000 watches of 1,000 merchants", 1_000, without_end, MILLISECOND, Class::Search),
        ("200 watches", 200, without_end, MICROSECOND * 100, Class::Search),
        ("batches of 1,000 searches", 64, 500, MILLISECOND, Class::Bulk),
        ("density", 64, 100, MILLISECOND, Class::Bulk),
        ("plain searches", 1_000, 1, MICROSECOND * 60, Class::Search),
    ] {
        let mut model = Model::new();
        let mut sent = 0;
        let mut normal = normal_client(&mut sent);
        model.run(Duration::from_secs(2), |model, elapsed| {
            // The noisy principal replaces each call that ends.
            let in_progress = model.in_progress.get(&NOISY).copied().unwrap_or_default();
            (in_progress..calls).for_each(|_| model.arrive(NOISY, 1, class, (steps, cost)));
            normal(model, elapsed);
        });
        let slowest = model.of(NORMAL).map(|ended| ended.took).max().unwrap();
        let ok = model.of(NORMAL).filter(|ended| ended.is_ok).count();
        assert!(model.of(NORMAL).all(|ended| ended.is_ok) && ok >= 398, "{row}: {ok}");
        // The slices that run at once or have permits, perhaps one more before the turn of a permit, and its own work.
        assert!(slowest <= cost * 2 + ROUND_TIME * 3 + MICROSECOND * 100, "{row}: {slowest:?}");
        assert!(model.idle < MILLISECOND, "{row}: idle for {:?}", model.idle);
    }
}

#[test]
fn work_that_would_come_next_begins_at_once_for_as_long_as_a_round() {
    let mut model = Model::new();
    (0..100).for_each(|_| model.arrive(NOISY, 1, Class::Bulk, (u32::MAX, MICROSECOND * 20)));
    model.run(MILLISECOND * 10, |_, _| {});
    // The round is over, and others wait.
    model.queue.state().round_ns = nanos(ROUND_TIME);
    let mut begun = 0;
    for flow in 100..200 {
        model.arrive(FlowId(flow), 1, Class::Search, (1, MICROSECOND * 100));
        let call = model.calls.last_mut().unwrap().as_mut().unwrap();
        let waker = Waker::from(Arc::clone(&call.waker));
        begun += u32::from(call.task.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    }
    assert_eq!(begun, 5);
}

#[test]
fn an_overloaded_principal_is_shed_with_the_delay_of_its_own_queue_and_others_are_not() {
    let mut model = Model::new();
    let mut sent = 0;
    let mut noisy_sent = 0;
    let mut normal = normal_client(&mut sent);
    model.run(Duration::from_secs(5), |model, elapsed| {
        // Twice what the thread can do.
        while elapsed >= MICROSECOND * 50 * noisy_sent {
            model.arrive(NOISY, 1, Class::Search, (1, MICROSECOND * 100));
            noisy_sent += 1;
        }
        normal(model, elapsed);
    });
    assert!(model.of(NORMAL).all(|ended| ended.is_ok && ended.took < MILLISECOND));
    let (ok, shed): (Vec<&Ended>, Vec<&Ended>) = model.of(NOISY).partition(|ended| ended.is_ok);
    // All of the thread's time is useful, but that of rejections and of the normal client: x searches of 100 µs and 20,000 - x
    // rejections of 20 µs take 988 ms of each second.
    assert!(ok.len() > 35_000 && shed.len() > 55_000, "{} {}", ok.len(), shed.len());
    let late = ok.iter().filter(|ended| ended.took > MILLISECOND * 12).count();
    assert!(late < 2_500, "{late}: only the burst before the overload is known");
}

#[test]
fn callers_that_repeat_rejected_requests_at_once_get_half_of_their_time() {
    for calls in [400, 1_000, 5_000] {
        let mut model = Model::new();
        model.run(Duration::from_secs(3), |model, _| {
            let in_progress = model.in_progress.get(&NOISY).copied().unwrap_or_default();
            (in_progress..calls).for_each(|_| model.arrive(NOISY, 1, Class::Search, (1, MICROSECOND * 100)));
        });
        let ok = model.of(NOISY).filter(|ended| ended.is_ok).count();
        let shed = model.of(NOISY).filter(|ended| !ended.is_ok).count();
        assert!(ok > 13_000 && shed > 10_000, "{calls}: {ok} {shed}");
    }
}

#[test]
fn a_stall_of_the_machine_sheds_no_principal_within_its_share() {
    let mut model = Model::new();
    let mut sent = 0;
    let mut normal = normal_client(&mut sent);
    let mut stalls = 0;
    model.run(Duration::from_secs(5), |model, elapsed| {
        let in_progress = model.in_progress.get(&NOISY).copied().unwrap_or_default();
        (in_progress..200).for_each(|_| model.arrive(NOISY, 1, Class::Search, (1, MILLISECOND)));
        normal(model, elapsed);
        if elapsed > Duration::from_secs(1) * (stalls + 1) {
            model.clock.advance(MILLISECOND * 700);
            stalls += 1;
        }
    });
    assert!(model.of(NORMAL).count() > 980 && model.of(NORMAL).all(|ended| ended.is_ok));
}

#[test]
fn tasks_that_are_not_polled_keep_no_permit() {
    let mut model = Model::new();
    let mut sent = 0;
    let mut normal = normal_client(&mut sent);
    let mut stuck = 0;
    let mut rounds = 0;
    model.run(Duration::from_secs(5), |model, elapsed| {
        if elapsed >= RECLAIM_INTERVAL * rounds {
            let (mut wakers, now) = (Wakers::default(), model.now());
            model.queue.reclaim(&mut model.queue.state(), now, &mut wakers);
            wakers.wake();
            rounds += 1;
        }
        while elapsed >= MILLISECOND * 100 * stuck {
            model.arrive(STUCK, 1, Class::Search, (1, MILLISECOND));
            // It is polled once, and waits.
            model.queue.state().round_ns = nanos(ROUND_TIME);
            let call = model.calls.last_mut().unwrap().as_mut().unwrap();
            let waker = Waker::from(Arc::clone(&call.waker));
            assert!(call.task.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
            stuck += 1;
        }
        normal(model, elapsed);
    });
    let slowest = model.of(NORMAL).map(|ended| ended.took).max().unwrap();
    assert!(model.of(NORMAL).count() > 980 && model.of(NORMAL).all(|ended| ended.is_ok));
    assert!(slowest <= RECLAIM_INTERVAL * 2 + MILLISECOND, "{slowest:?}");
    model.calls.clear();
    assert!(model.is_at_rest());
}

#[test]
fn callers_that_wait_for_their_responses_are_not_shed() {
    let mut model = Model::new();
    model.run(Duration::from_secs(3), |model, _| {
        let in_progress = model.in_progress.get(&NOISY).copied().unwrap_or_default();
        (in_progress..16).for_each(|_| model.arrive(NOISY, 1, Class::Bulk, (20, MILLISECOND)));
    });
    assert!(model.ended.len() > 100 && model.ended.iter().all(|ended| ended.is_ok));
}

#[test]
fn cpu_time_is_shared_by_weight() {
    let mut model = Model::new();
    for (flow, share) in [(FlowId(1), 1), (FlowId(2), 3), (FlowId(3), 6)] {
        // A principal gains nothing by more calls than have permits at a time.
        let calls = if share == 1 { 100 } else { 12 };
        (0..calls).for_each(|_| model.arrive(flow, share, Class::Search, (u32::MAX, MICROSECOND * 100)));
    }
    let served = |model: &Model, flow: u64| {
        let left = model.calls.iter().flatten().filter(|call| call.flow == FlowId(flow));
        left.map(|call| u64::from(u32::MAX - call.task.inner_ref().left)).sum::<u64>()
    };
    model.run(Duration::from_secs(1), |_, _| {});
    let served = [1, 2, 3].map(|flow| served(&model, flow));
    for (steps, expected) in served.iter().zip([1_000, 3_000, 6_000]) {
        assert!(steps.abs_diff(expected) < 30, "{served:?}");
    }
}

proptest! {
    /// Whatever is cancelled, and when: the permit is not lost, and no other call waits forever.
    #[test]
    fn cancelled_calls_lose_no_permit(
        calls in prop::collection::vec((1u64..5, 1u32..4, prop_oneof![Just(Class::Search), Just(Class::Bulk)]), 1..60),
        cancellations in prop::collection::vec((0usize..60, 0usize..12), 0..80),
    ) {
        let mut model = Model::new();
        let mut cancellations = cancellations.into_iter();
        for (flow, steps, class) in calls {
            model.arrive(FlowId(flow), 1, class, (steps, MICROSECOND * 10));
            let Some((cancelled, runs)) = cancellations.next() else { continue };
            (0..runs).for_each(|_| _ = model.run_one());
            if let Some(call) = model.calls.get_mut(cancelled) {
                *call = None;
            }
        }
        for (cancelled, runs) in cancellations {
            (0..runs).for_each(|_| _ = model.run_one());
            if let Some(call) = model.calls.get_mut(cancelled) {
                *call = None;
            }
        }
        while model.run_one() {}
        prop_assert!(model.calls.iter().all(Option::is_none), "a call waits forever");
        prop_assert!(model.is_at_rest());
    }
}
