//! Which requests were done, so that a repetition is answered and not done again (AIP-155).

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
};

use nearby_index::UnixMicros;
use nearby_store::{DoneRequest, Forget, RequestId};

/// How long a request is remembered.
pub(super) const REMEMBERED: UnixMicros = UnixMicros(60 * 60 * 1_000_000);
/// Requests that are remembered at most.
const MOST: usize = 1_000_000;
/// Requests that one commit forgets at most: after a quiet hour there may be very many.
const MOST_FORGOTTEN: usize = 2_000;

/// Requests that were done.
#[derive(Debug, Default)]
pub(super) struct Done {
    by_id: HashMap<RequestId, Arc<DoneRequest>>,
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
        let excess = (self.by_id.len() + more.len()).saturating_sub(MOST);
        let remembered = self.in_order.iter().filter(|request| self.remembers(request)).enumerate();
        let over = remembered.take_while(|(at, request)| *at < excess || is_over(request, now));
        let anew = more.iter().filter_map(|request| self.by_id.get(&request.id));
        let forget =
            |request: &Arc<DoneRequest>| Forget::Request { id: request.id, outcomes: request.outcomes.len() };
        over.map(|(_, request)| request).take(MOST_FORGOTTEN).chain(anew).map(forget).collect()
    }

    /// Forgets some and remembers others, as the store did.
    pub(super) fn replace(&mut self, forgotten: &[Forget], more: &[Arc<DoneRequest>]) {
        for forget in forgotten {
            if let Forget::Request { id, .. } = forget {
                self.by_id.remove(id);
            }
        }
        while self.in_order.front().is_some_and(|request| !self.remembers(request)) {
            self.in_order.pop_front();
        }
        for request in more {
            self.by_id.insert(request.id, Arc::clone(request));
            self.in_order.push_back(Arc::clone(request));
        }
    }

    fn remembers(&self, request: &Arc<DoneRequest>) -> bool {
        self.by_id.get(&request.id).is_some_and(|remembered| Arc::ptr_eq(remembered, request))
    }
}

/// A request of the future, by a clock that was set back, is remembered until that time has come and gone.
fn is_over(request: &DoneRequest, now: UnixMicros) -> bool {
    now.0.saturating_sub(request.done.0) >= REMEMBERED.0
}
