//! Completed requests, so that a repetition returns the first result and is not committed again (AIP-155).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use nearby_index::UnixMicros;
use nearby_store::{CompletedRequest, Forget, RequestId};

use crate::change_feed;

/// Time for which a request is remembered.
pub(super) const RETENTION: UnixMicros = UnixMicros(60 * 60 * 1_000_000);
/// Requests that are remembered, and the bytes of their outcomes.
const MAX_REQUESTS: usize = 1_000_000;
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// Requests that one commit forgets, to bound its size: a million may expire at once.
const MAX_FORGOTTEN: usize = 2_000;

/// Completed requests.
#[derive(Debug, Default)]
pub(super) struct CompletedRequests {
    by_id: HashMap<RequestId, Arc<CompletedRequest>>,
    bytes: usize,
    /// The oldest first. May contain requests that are forgotten already.
    in_order: VecDeque<Arc<CompletedRequest>>,
}

impl CompletedRequests {
    /// The requests of a store, in any order.
    pub(super) fn new(mut requests: Vec<Arc<CompletedRequest>>) -> Self {
        requests.sort_by_key(|request| request.completed_at);
        let mut completed = Self::default();
        completed.replace(&[], &requests);
        completed
    }

    /// A request that is still remembered.
    pub(super) fn get(&self, id: RequestId, now: UnixMicros) -> Option<&Arc<CompletedRequest>> {
        self.by_id.get(&id).filter(|request| !is_expired(request, now))
    }

    /// The requests to forget when `more` are added. The commit forgets them first: an expired request id may be used
    /// again.
    pub(super) fn to_forget(&self, more: &[Arc<CompletedRequest>], now: UnixMicros) -> Vec<Forget> {
        let mut excess = (self.by_id.len() + more.len()).saturating_sub(MAX_REQUESTS);
        let mut excess_bytes = (self.bytes + more.iter().map(|request| bytes_of(request)).sum::<usize>())
            .saturating_sub(MAX_BYTES);
        let remembered = self.in_order.iter().filter(|request| self.remembers(request));
        let expired = remembered.take_while(|request| {
            let is_excess = excess > 0 || excess_bytes > 0;
            excess = excess.saturating_sub(1);
            excess_bytes = excess_bytes.saturating_sub(bytes_of(request));
            is_excess || is_expired(request, now)
        });
        let reused = more.iter().filter_map(|request| self.by_id.get(&request.id));
        let forget = |request: &Arc<CompletedRequest>| Forget::Request {
            id: request.id,
            outcomes: request.outcomes.len(),
        };
        let mut forgotten: Vec<&Arc<CompletedRequest>> = expired.take(MAX_FORGOTTEN).chain(reused).collect();
        // An expired id may also be reused; it is forgotten once.
        forgotten.sort_unstable_by_key(|request| request.id);
        forgotten.dedup_by_key(|request| request.id);
        forgotten.into_iter().map(forget).collect()
    }

    /// Forgets and remembers requests, as the store has done.
    pub(super) fn replace(&mut self, forgotten: &[Forget], more: &[Arc<CompletedRequest>]) {
        for forget in forgotten {
            if let Forget::Request { id, .. } = forget {
                let forgotten = self.by_id.remove(id);
                self.bytes -= forgotten.map_or(0, |request| bytes_of(&request));
            }
        }
        while self.in_order.front().is_some_and(|request| !self.remembers(request)) {
            self.in_order.pop_front();
        }
        for request in more {
            self.bytes += bytes_of(request);
            self.by_id.insert(request.id, Arc::clone(request));
            self.in_order.push_back(Arc::clone(request));
        }
    }

    /// All remembered requests.
    pub(super) fn all(&self) -> Vec<Arc<CompletedRequest>> {
        self.by_id.values().cloned().collect()
    }

    fn remembers(&self, request: &Arc<CompletedRequest>) -> bool {
        self.by_id.get(&request.id).is_some_and(|remembered| Arc::ptr_eq(remembered, request))
    }
}

fn bytes_of(request: &CompletedRequest) -> usize {
    request.outcomes.iter().map(change_feed::bytes_of).sum()
}

/// A request with a time in the future, after the clock was set back, is remembered until that time has passed.
fn is_expired(request: &CompletedRequest, now: UnixMicros) -> bool {
    now.0.saturating_sub(request.completed_at.0) >= RETENTION.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nearby_index::{
        AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
        Visibility,
    };

    use super::*;

    /// A thousand times the largest merchant: thirty megabytes as counted, though one in memory.
    fn large(number: u8) -> Arc<CompletedRequest> {
        let merchant = Merchant {
            profile: Profile::new(&[b'x'; Profile::MAX_GIVEN_BYTES]).unwrap(),
            id: MerchantId::parse("a").unwrap(),
            position: AnyPosition::Wgs84(Position::new(1.0, 2.0).unwrap()),
            visibility: Visibility::Visible,
            terms: Terms::default(),
            details: None,
        };
        let (revision, time) = (Revision(1), UnixMicros(0));
        let stored = StoredMerchant {
            merchant,
            revision,
            position_revision: revision,
            create_time: time,
            update_time: time,
        };
        let outcomes = vec![Change::Put(Arc::new(stored)); 1_000];
        Arc::new(CompletedRequest {
            id: RequestId([number; 16]),
            fingerprint: [0; 16],
            completed_at: UnixMicros(number.into()),
            outcomes,
        })
    }

    /// The store counts its records: forgetting one twice would make the count wrong.
    #[test]
    fn an_expired_id_that_is_reused_is_forgotten_once() {
        let mut completed = CompletedRequests::default();
        completed.replace(&[], &[large(1), large(2)]);
        let forget = completed.to_forget(&[large(1)], UnixMicros(10 + RETENTION.0));
        let ids: BTreeSet<u8> = forget
            .iter()
            .map(|forget| match forget {
                Forget::Request { id, .. } => id.0[0],
                Forget::Deletion(_) => unreachable!("requests only"),
            })
            .collect();
        assert_eq!((forget.len(), ids), (2, BTreeSet::from([1, 2])));
    }

    #[test]
    fn large_outcomes_are_forgotten_earlier() {
        let mut completed = CompletedRequests::default();
        for number in 0..100 {
            let more = [large(number)];
            let forget = completed.to_forget(&more, UnixMicros(1_000));
            completed.replace(&forget, &more);
        }
        let kept: Vec<u8> = (0..100)
            .filter(|number| completed.get(RequestId([*number; 16]), UnixMicros(1_000)).is_some())
            .collect();
        assert_eq!(kept, [92, 93, 94, 95, 96, 97, 98, 99]);
        assert_eq!(completed.bytes, completed.by_id.values().map(|request| bytes_of(request)).sum::<usize>());
    }
}
