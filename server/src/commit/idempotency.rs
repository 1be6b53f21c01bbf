//! Which requests were done, so that a repetition is answered and not done again (AIP-155).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use nearby_index::UnixMicros;
use nearby_store::{DoneRequest, Forget, RequestId};

use crate::change_feed;

/// How long a request is remembered.
pub(super) const REMEMBERED: UnixMicros = UnixMicros(60 * 60 * 1_000_000);
/// Requests that are remembered at most, and the bytes that their outcomes may have.
const MOST: usize = 1_000_000;
const MOST_BYTES: usize = 256 * 1024 * 1024;
/// Requests that one commit forgets at most: after a quiet hour there may be very many.
const MOST_FORGOTTEN: usize = 2_000;

/// Requests that were done.
#[derive(Debug, Default)]
pub(super) struct Done {
    by_id: HashMap<RequestId, Arc<DoneRequest>>,
    bytes: usize,
    /// The oldest first. May hold some that are forgotten already.
    in_order: VecDeque<Arc<DoneRequest>>,
}

impl Done {
    /// Those that a store remembers, in any order.
    pub(super) fn new(mut requests: Vec<Arc<DoneRequest>>) -> Self {
        requests.sort_by_key(|request| request.done);
        let mut done = Self::default();
        done.replace(&[], &requests);
        done
    }

    /// A request that was done and is still remembered.
    pub(super) fn get(&self, id: RequestId, now: UnixMicros) -> Option<&Arc<DoneRequest>> {
        self.by_id.get(&id).filter(|request| !is_over(request, now))
    }

    /// What need not be remembered any longer when `more` come. It must be forgotten before they are stored: one whose
    /// time is over may be done anew under its old number.
    pub(super) fn to_forget(&self, more: &[Arc<DoneRequest>], now: UnixMicros) -> Vec<Forget> {
        let mut excess = (self.by_id.len() + more.len()).saturating_sub(MOST);
        let mut excess_bytes = (self.bytes + more.iter().map(|request| bytes_of(request)).sum::<usize>())
            .saturating_sub(MOST_BYTES);
        let remembered = self.in_order.iter().filter(|request| self.remembers(request));
        let over = remembered.take_while(|request| {
            let is_excess = excess > 0 || excess_bytes > 0;
            excess = excess.saturating_sub(1);
            excess_bytes = excess_bytes.saturating_sub(bytes_of(request));
            is_excess || is_over(request, now)
        });
        let anew = more.iter().filter_map(|request| self.by_id.get(&request.id));
        let forget =
            |request: &Arc<DoneRequest>| Forget::Request { id: request.id, outcomes: request.outcomes.len() };
        let mut forgotten: Vec<&Arc<DoneRequest>> = over.take(MOST_FORGOTTEN).chain(anew).collect();
        // One that is over may be among those that come anew. What is forgotten is forgotten once.
        forgotten.sort_unstable_by_key(|request| request.id);
        forgotten.dedup_by_key(|request| request.id);
        forgotten.into_iter().map(forget).collect()
    }

    /// Forgets some and remembers others, as the store did.
    pub(super) fn replace(&mut self, forgotten: &[Forget], more: &[Arc<DoneRequest>]) {
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

    /// All that are remembered.
    pub(super) fn all(&self) -> Vec<Arc<DoneRequest>> {
        self.by_id.values().cloned().collect()
    }

    fn remembers(&self, request: &Arc<DoneRequest>) -> bool {
        self.by_id.get(&request.id).is_some_and(|remembered| Arc::ptr_eq(remembered, request))
    }
}

fn bytes_of(request: &DoneRequest) -> usize {
    request.outcomes.iter().map(change_feed::bytes_of).sum()
}

/// A request of the future, by a clock that was set back, is remembered until that time has come and gone.
fn is_over(request: &DoneRequest, now: UnixMicros) -> bool {
    now.0.saturating_sub(request.done.0) >= REMEMBERED.0
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use nearby_index::{
        AnyPosition, Change, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant, Terms,
        Visibility,
    };

    use super::*;

    /// A thousand times the largest merchant: thirty megabytes by the count, though here it is one in memory.
    fn large(number: u8) -> Arc<DoneRequest> {
        let merchant = Merchant {
            profile: Profile::new(&[b'x'; Profile::MAX_BYTES]).unwrap(),
            id: MerchantId::parse("a").unwrap(),
            position: AnyPosition::Wgs84(Position::new(1.0, 2.0).unwrap()),
            visibility: Visibility::Visible,
            terms: Terms::default(),
            hours: None,
        };
        let (revision, time) = (Revision(1), UnixMicros(0));
        let stored =
            StoredMerchant { merchant, revision, placed: revision, create_time: time, update_time: time };
        let outcomes = vec![Change::Put(Arc::new(stored)); 1_000];
        Arc::new(DoneRequest {
            id: RequestId([number; 16]),
            fingerprint: [0; 16],
            done: UnixMicros(number.into()),
            outcomes,
        })
    }

    /// The store counts what it keeps: to forget one thing twice would put it out.
    #[test]
    fn one_that_is_over_and_comes_anew_is_forgotten_once() {
        let mut done = Done::default();
        done.replace(&[], &[large(1), large(2)]);
        let forget = done.to_forget(&[large(1)], UnixMicros(10 + REMEMBERED.0));
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
    fn the_oldest_are_forgotten_sooner_where_answers_are_large() {
        let mut done = Done::default();
        for number in 0..100 {
            let more = [large(number)];
            let forget = done.to_forget(&more, UnixMicros(1_000));
            done.replace(&forget, &more);
        }
        let kept: Vec<u8> = (0..100)
            .filter(|number| done.get(RequestId([*number; 16]), UnixMicros(1_000)).is_some())
            .collect();
        assert_eq!(kept, [92, 93, 94, 95, 96, 97, 98, 99]);
        assert_eq!(done.bytes, done.by_id.values().map(|request| bytes_of(request)).sum::<usize>());
    }
}
