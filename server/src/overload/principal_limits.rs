//! Counts what each principal holds of the resources that all share, and limits it.

use std::sync::{Arc, Mutex, PoisonError, atomic::Ordering::Relaxed};

use super::{
    flow::Flow,
    resource::{RESOURCES, Resource, ResourceLimits},
};
use crate::{error::ServiceError, telemetry::metrics::Metrics};

/// Counts what principals hold; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct PrincipalLimits(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    limits: ResourceLimits,
    /// Units that all principals hold. Those of each principal, in its flow, change under this lock, too.
    held: Mutex<[usize; RESOURCES]>,
    metrics: Arc<Metrics>,
}

/// One unit of a resource, until it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    limits: PrincipalLimits,
    flow: Arc<Flow>,
    resource: Resource,
}

impl PrincipalLimits {
    pub(crate) fn new(limits: ResourceLimits, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Shared { limits, held: Mutex::default(), metrics }))
    }

    /// The number of watching calls.
    pub(crate) fn watchers(&self) -> usize {
        let held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held[Resource::SearchWatchers as usize] + held[Resource::FeedWatchers as usize]
    }

    /// Takes one unit of a resource for a principal.
    ///
    /// # Errors
    /// [`ServiceError::LimitReached`] if none is free, and [`ServiceError::PrincipalLimitReached`] if the principal holds its share.
    pub(super) fn acquire(&self, resource: Resource, flow: &Arc<Flow>) -> Result<Held, ServiceError> {
        let Shared { limits, metrics, .. } = &*self.0;
        let mut held = self.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        let free = limits.free(resource, &held);
        if free == 0 {
            return Err(ServiceError::LimitReached(resource.limited()));
        }
        let of_flow = &flow.held[resource as usize];
        if of_flow.load(Relaxed) >= limits.threshold(free, flow.share().get()) {
            let outcome = if limits.observe_only { "observed" } else { "rejected" };
            metrics.admission.principal_limit.with_label_values(&[resource.as_str(), outcome]).inc();
            if !limits.observe_only {
                return Err(ServiceError::PrincipalLimitReached(resource.limited()));
            }
        }
        held[resource as usize] += 1;
        of_flow.fetch_add(1, Relaxed);
        Ok(Held { limits: self.clone(), flow: Arc::clone(flow), resource })
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut held = self.limits.0.held.lock().unwrap_or_else(PoisonError::into_inner);
        held[self.resource as usize] -= 1;
        self.flow.held[self.resource as usize].fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, num::NonZeroU32};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        error::LimitedResource,
        overload::{fair_queue::FlowId, flows::Flows},
    };

    /// Principals that take watches of searches and of changes.
    struct Model {
        limits: PrincipalLimits,
        flows: Flows,
        held: Vec<Held>,
    }

    impl Model {
        fn new(limits: ResourceLimits) -> Self {
            let metrics = Arc::new(Metrics::new().unwrap());
            let flows = Flows::new(Arc::clone(&metrics), 1);
            Self { limits: PrincipalLimits::new(limits, metrics), flows, held: Vec::new() }
        }

        fn flow(&self, principal: u64, share: u32) -> Arc<Flow> {
            self.flows.get(FlowId(principal), NonZeroU32::new(share).unwrap(), &Default::default)
        }

        /// Takes as many units as a principal gets, and returns their number.
        fn take_all(&mut self, principal: u64, share: u32, resource: Resource) -> usize {
            let flow = self.flow(principal, share);
            let before = self.held.len();
            self.held.extend(std::iter::from_fn(|| self.limits.acquire(resource, &flow).ok()));
            self.held.len() - before
        }
    }

    #[test]
    fn a_principal_alone_gets_all_but_the_reserve_and_the_next_one_most_of_that() {
        let mut model = Model::new(ResourceLimits::default());
        assert_eq!(model.take_all(1, 1, Resource::Streams), 9_000);
        assert_eq!(model.take_all(2, 1, Resource::Streams), 900);
        assert_eq!(model.take_all(3, 1, Resource::Streams), 90);
        let error = model.limits.acquire(Resource::Streams, &model.flow(1, 1)).unwrap_err();
        assert_eq!(error, ServiceError::PrincipalLimitReached(LimitedResource::Streams));
        // What ends goes to those who hold little.
        model.held.drain(..8_000);
        assert!(model.limits.acquire(Resource::Streams, &model.flow(2, 1)).is_ok());
        assert_eq!(model.take_all(3, 1, Resource::Streams), 7_200);
    }

    #[test]
    fn principals_share_by_weight() {
        let model = Model::new(ResourceLimits { max_bulk_calls: 10_000, ..ResourceLimits::default() });
        let shares = [1, 1, 2];
        let flows = [0, 1, 2].map(|at| model.flow(at as u64, shares[at]));
        let mut held = VecDeque::new();
        for round in 0..100_000 {
            let at = round % 3;
            held.extend(model.limits.acquire(Resource::BulkCalls, &flows[at]).map(|one| (at, one)));
            // Calls end, slower than they are made.
            if round % 4 == 0 {
                drop(held.pop_front());
            }
        }
        let counts = [0, 1, 2].map(|at| held.iter().filter(|(of, _)| *of == at).count());
        // With 9 times what is free: 37 × 270 = 9,990.
        assert!(
            counts.iter().zip([1, 1, 2]).all(|(count, share)| count.abs_diff(2_432 * share) < 50),
            "{counts:?}"
        );
    }

    #[test]
    fn searches_leave_the_reserve_of_the_change_feed() {
        let limits = ResourceLimits { max_principal_fraction: 1.0, ..ResourceLimits::default() };
        let mut model = Model::new(limits);
        assert_eq!(model.take_all(1, 1, Resource::SearchWatchers), 18_000);
        let error = model.limits.acquire(Resource::SearchWatchers, &model.flow(2, 1)).unwrap_err();
        assert_eq!(error, ServiceError::LimitReached(LimitedResource::Watchers));
        assert_eq!(model.take_all(3, 1, Resource::FeedWatchers), 2_000);
        assert_eq!(model.limits.watchers(), 20_000);
        let small = ResourceLimits { max_watchers: 2, ..ResourceLimits::default() };
        assert_eq!(Model::new(small).take_all(1, 1, Resource::SearchWatchers), 2);
    }

    #[test]
    fn what_exceeds_the_limit_is_only_counted_on_demand() {
        let mut model = Model::new(ResourceLimits { observe_only: true, ..ResourceLimits::default() });
        assert_eq!(model.take_all(1, 1, Resource::BulkCalls), 1_000);
        let counted = |outcome| {
            let metrics = &model.limits.0.metrics.admission.principal_limit;
            metrics.with_label_values(&["bulk_calls", outcome]).get()
        };
        assert_eq!((counted("observed"), counted("rejected")), (100, 0));
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_a_principal_that_holds_nothing_gets_one_while_one_is_free(
            calls in prop::collection::vec((0u64..6, 1u32..5, any::<bool>(), any::<prop::sample::Index>()), 1..300),
            (max_watchers, max_principal_fraction, change_feed_reserve) in (1usize..40, 0.1f64..1.0, 0.0f64..1.0),
        ) {
            let limits = ResourceLimits { max_watchers, max_principal_fraction, change_feed_reserve, ..Default::default() };
            let mut model = Model::new(limits);
            for (principal, share, takes, at) in calls {
                if !takes && !model.held.is_empty() {
                    model.held.swap_remove(at.index(model.held.len()));
                    continue;
                }
                let flow = model.flow(principal, share);
                let holds_none = flow.held[Resource::FeedWatchers as usize].load(Relaxed) == 0;
                let had_free = model.limits.watchers() < max_watchers;
                match model.limits.acquire(Resource::FeedWatchers, &flow) {
                    Ok(held) => model.held.push(held),
                    Err(_) => prop_assert!(!had_free || !holds_none),
                }
                prop_assert!(model.limits.watchers() <= max_watchers);
            }
            prop_assert_eq!(model.limits.watchers(), model.held.len());
            model.held.clear();
            prop_assert_eq!(model.limits.watchers(), 0);
        }
    }
}
