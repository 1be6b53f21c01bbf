//! The order of work of different principals: start-time fair queueing (Goyal, Vin and Cheng 1996).
//!
//! Each flow, the work of one principal, has a start tag: the virtual time up to which it has used its share. The flow with the
//! smallest tag comes next, and its tag advances by the cost of the work over its share. The virtual time is the tag of the work
//! that was taken last, and the largest tag when no work is left. A flow that was idle starts at the virtual time: it comes next, since all others are ahead of it, but
//! gains nothing from its idleness.
//!
//! Costs are not known in advance. A flow is charged the mean cost of its work when it is taken, and the difference to the
//! measured cost when it ends. Knows no clock, no threads and no wakers: a model in virtual time tests it.

use std::{
    collections::{BTreeSet, HashMap, VecDeque},
    hash::{BuildHasherDefault, Hasher},
    num::NonZeroU32,
    time::Duration,
};

/// Identifies a flow: a hash with random keys, so that no client can choose it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct FlowId(pub(crate) u64);

/// A map by flow. Its keys are hashes.
pub(super) type FlowMap<V> = HashMap<FlowId, V, BuildHasherDefault<FlowHasher>>;

/// Takes a flow's id as its hash: each slice of work looks for its flow several times, and SipHash was 2 % of the instructions of a
/// stream.
#[derive(Debug, Default)]
pub(super) struct FlowHasher(u64);

impl Hasher for FlowHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|byte| self.write_u64(u64::from(*byte)));
    }

    fn write_u64(&mut self, id: u64) {
        self.0 = self.0.rotate_left(8) ^ id;
    }
}

/// The order of work within a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rank {
    /// A change, whose caller would have to repeat it.
    Write,
    /// A request that a person waits for.
    Search,
    /// Bulk work that has started, and ends sooner if no more of it starts.
    StartedBulk,
    /// Bulk work that has not started.
    Bulk,
}

const RANKS: usize = 4;

/// A flow's turns of which one goes to its last rank. No measurement chose it: an eighth keeps bulk work alive, and costs searches
/// little.
const LAST_RANK_TURNS: u32 = 8;
/// Flows without work that are kept before the first removal of those without any state.
const MIN_FLOWS: usize = 1_024;
/// Estimated cost of the first work of a flow, in nanoseconds: a search of 20 results.
const FIRST_COST_NS: u64 = 20_000;

/// Rejections between two pieces of work that are not rejected, at least: four of 20 µs, so that an overload ends soon.
const MIN_REJECTED_NS: u64 = 80_000;

/// The waiting work of all flows. `T` identifies one piece of work.
#[derive(Debug)]
pub(super) struct FairQueue<T> {
    virtual_ns: u64,
    flows: FlowMap<FlowQueue<T>>,
    /// The flows that have waiting work, by start tag.
    backlogged: BTreeSet<(u64, FlowId)>,
    /// The sum of their shares.
    backlogged_shares: u64,
    /// Work that was taken and has not ended.
    running: usize,
    /// The cost of all work so far.
    total_ns: u64,
    /// The largest start tag of all flows.
    max_tag_ns: u64,
    /// Number of flows from which the next removal is due.
    max_flows: usize,
}

#[derive(Debug)]
struct FlowQueue<T> {
    tag_ns: u64,
    share: NonZeroU32,
    /// Mean cost of one piece of work: an exponentially weighted mean, in which each counts for an eighth.
    mean_cost_ns: u64,
    waiting: [VecDeque<T>; RANKS],
    len: usize,
    running: usize,
    /// Number of its turns so far.
    turns: u32,
    /// The cost of all work of all flows when work of this flow began to wait.
    total_before_ns: u64,
    /// The cost of rejections since work of this flow was last taken that must not be rejected.
    rejected_ns: u64,
}

/// A piece of work that was taken from the queue.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken<T> {
    pub(super) work: T,
    pub(super) flow: FlowId,
    /// The cost that the flow was charged for it.
    pub(super) estimated_ns: u64,
    /// The time that the flow's waiting work of this rank and those before takes on one thread, if each backlogged flow gets its
    /// share of it.
    pub(super) drain_time: Duration,
    /// The cost of all work since which the flow has always had waiting work. A duration that a stall of the machine does not lengthen.
    pub(super) backlogged_for: Duration,
    /// False if rejections have taken as long as the next work since the last one that was not rejected. Else a flow whose queue is
    /// longer than what rejections clear in time would only be rejected.
    pub(super) may_reject: bool,
}

impl<T> Default for FairQueue<T> {
    fn default() -> Self {
        Self {
            virtual_ns: 0,
            flows: FlowMap::default(),
            backlogged: BTreeSet::new(),
            backlogged_shares: 0,
            running: 0,
            total_ns: 0,
            max_tag_ns: 0,
            max_flows: MIN_FLOWS,
        }
    }
}

impl<T: Copy> FairQueue<T> {
    /// Adds work to a flow.
    pub(super) fn push(&mut self, (id, share): (FlowId, NonZeroU32), rank: Rank, work: T) {
        let virtual_ns = self.virtual_ns;
        let flow = self.flows.entry(id).or_insert_with(|| FlowQueue::new(virtual_ns));
        flow.waiting[rank as usize].push_back(work);
        flow.len += 1;
        if flow.len == 1 {
            flow.share = share;
            flow.tag_ns = flow.tag_ns.max(virtual_ns);
            flow.total_before_ns = self.total_ns;
            self.backlogged_shares += u64::from(share.get());
            self.backlogged.insert((flow.tag_ns, id));
        }
        if self.flows.len() > self.max_flows {
            self.remove_idle();
        }
    }

    /// Takes the work that comes next, and charges its flow the estimated cost.
    pub(super) fn pop(&mut self) -> Option<Taken<T>> {
        let (tag_ns, id) = self.backlogged.pop_first()?;
        self.virtual_ns = tag_ns;
        let flow = self.flows.get_mut(&id)?;
        let rank = flow.next_rank()?;
        let work = flow.waiting[rank].pop_front()?;
        flow.len -= 1;
        flow.running += 1;
        self.running += 1;
        let estimated_ns = flow.mean_cost_ns;
        flow.tag_ns = tag_ns.saturating_add(estimated_ns / u64::from(flow.share.get()));
        let share = u64::from(flow.share.get());
        // Later ranks wait for this one, and not the other way round.
        let before: usize = flow.waiting[..=rank].iter().map(VecDeque::len).sum();
        let work_ns = flow.mean_cost_ns.saturating_mul(before as u64);
        let drain_time = Duration::from_nanos(work_ns.saturating_mul(self.backlogged_shares) / share);
        if flow.len > 0 {
            self.backlogged.insert((flow.tag_ns, id));
        } else {
            self.backlogged_shares -= share;
        }
        let backlogged_for = Duration::from_nanos(self.total_ns - flow.total_before_ns);
        let may_reject = flow.rejected_ns < estimated_ns.max(MIN_REJECTED_NS);
        if !may_reject {
            flow.rejected_ns = 0;
        }
        Some(Taken { work, flow: id, estimated_ns, drain_time, backlogged_for, may_reject })
    }

    /// Rejects work that was taken: its flow is charged for the rejection instead.
    pub(super) fn reject(&mut self, flow: (FlowId, NonZeroU32), estimated_ns: u64, cost_ns: u64) {
        self.cancel(flow.0, estimated_ns);
        self.charge(flow, cost_ns);
        if let Some(flow) = self.flows.get_mut(&flow.0) {
            flow.rejected_ns = flow.rejected_ns.saturating_add(cost_ns);
        }
    }

    /// Gives back work that was taken and has not run: its flow is not charged.
    pub(super) fn cancel(&mut self, id: FlowId, estimated_ns: u64) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.running -= 1;
        self.running -= 1;
        let before_ns = flow.tag_ns;
        flow.tag_ns = before_ns.saturating_sub(estimated_ns / u64::from(flow.share.get()));
        self.set_tag(id, before_ns);
    }

    /// Ends work that was taken: charges its flow the difference between the measured and the estimated cost.
    pub(super) fn end(&mut self, id: FlowId, estimated_ns: u64, measured_ns: u64) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        flow.running -= 1;
        self.running -= 1;
        self.total_ns = self.total_ns.saturating_add(measured_ns);
        flow.mean_cost_ns = flow.mean_cost_ns - flow.mean_cost_ns / 8 + measured_ns / 8;
        let share = u64::from(flow.share.get());
        let before_ns = flow.tag_ns;
        flow.tag_ns = (before_ns + measured_ns / share).saturating_sub(estimated_ns / share);
        self.set_tag(id, before_ns);
    }

    /// Charges a flow for work that did not wait in the queue.
    pub(super) fn charge(&mut self, (id, share): (FlowId, NonZeroU32), cost_ns: u64) {
        self.total_ns = self.total_ns.saturating_add(cost_ns);
        let virtual_ns = self.virtual_ns;
        let flow = self.flows.entry(id).or_insert_with(|| FlowQueue::new(virtual_ns));
        let before_ns = flow.tag_ns;
        flow.tag_ns = before_ns.max(virtual_ns) + cost_ns / u64::from(share.get());
        self.set_tag(id, before_ns);
    }

    /// Keeps the order after the tag of a flow has changed.
    fn set_tag(&mut self, id: FlowId, before_ns: u64) {
        let Some(flow) = self.flows.get(&id) else { return };
        if flow.len > 0 && flow.tag_ns != before_ns {
            self.backlogged.remove(&(before_ns, id));
            self.backlogged.insert((flow.tag_ns, id));
        }
        self.max_tag_ns = self.max_tag_ns.max(flow.tag_ns);
        // The end of a busy period: no flow is behind another any more.
        if self.running == 0 && self.backlogged.is_empty() {
            self.virtual_ns = self.max_tag_ns;
        }
    }

    /// Removes work that waits.
    pub(super) fn remove(&mut self, id: FlowId, rank: Rank, is_it: impl Fn(&T) -> bool) {
        let Some(flow) = self.flows.get_mut(&id) else { return };
        // From the end: most work that is cancelled was added last.
        let waiting = &mut flow.waiting[rank as usize];
        let Some(at) = waiting.iter().rposition(is_it) else { return };
        waiting.remove(at);
        flow.len -= 1;
        if flow.len == 0 {
            self.backlogged_shares -= u64::from(flow.share.get());
            self.backlogged.remove(&(flow.tag_ns, id));
        }
    }

    /// Returns whether no work waits.
    pub(super) fn is_empty(&self) -> bool {
        self.backlogged.is_empty()
    }

    /// Returns whether work of a flow would come next, as the flow was idle until now and others have used more.
    pub(super) fn would_be_next(&self, id: FlowId) -> bool {
        let is_idle = |flow: &FlowQueue<T>| flow.len == 0 && flow.running == 0;
        let has_used_less = |flow: &FlowQueue<T>| is_idle(flow) && flow.tag_ns <= self.virtual_ns;
        // While work of the first runs, its tag is an estimate, which may be too small. Else it has used as little, and waits longer.
        let has_used_more = |(tag_ns, first): &(u64, FlowId)| {
            *tag_ns > self.virtual_ns || self.flows.get(first).is_some_and(|flow| flow.running > 0)
        };
        self.flows.get(&id).is_none_or(has_used_less) && self.backlogged.first().is_none_or(has_used_more)
    }

    /// Removes the flows that are as if they had never had work.
    fn remove_idle(&mut self) {
        let virtual_ns = self.virtual_ns;
        self.flows.retain(|_, flow| flow.len > 0 || flow.running > 0 || flow.tag_ns > virtual_ns);
        self.max_flows = MIN_FLOWS.max(self.flows.len() * 2);
    }
}

impl<T> FlowQueue<T> {
    /// The rank of the work that comes next: the first, and in one of [`LAST_RANK_TURNS`] turns the last, so that it is neither
    /// starved nor kept waiting without being shed.
    fn next_rank(&mut self) -> Option<usize> {
        self.turns = self.turns.wrapping_add(1);
        let mut ranks = self.waiting.iter();
        let has_work = |waiting: &VecDeque<T>| !waiting.is_empty();
        if self.turns.is_multiple_of(LAST_RANK_TURNS) {
            ranks.rposition(has_work)
        } else {
            ranks.position(has_work)
        }
    }

    fn new(tag_ns: u64) -> Self {
        Self {
            tag_ns,
            share: NonZeroU32::MIN,
            mean_cost_ns: FIRST_COST_NS,
            waiting: [(); RANKS].map(|()| VecDeque::new()),
            len: 0,
            running: 0,
            turns: 0,
            total_before_ns: 0,
            rejected_ns: 0,
        }
    }
}

#[cfg(test)]
#[path = "fair_queue_tests.rs"]
mod tests;
