//! Overload of the server, as its queues report it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// The number of queues that reject work at the moment; clones share it.
#[derive(Clone, Debug, Default)]
pub(crate) struct OverloadState(Arc<AtomicUsize>);

impl OverloadState {
    /// Returns whether any queue rejects work.
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// The report of one more queue, which starts off.
    pub(crate) fn for_queue(&self) -> QueueOverload {
        QueueOverload { state: self.clone(), is_on: AtomicBool::new(false) }
    }
}

/// Overload of one queue.
#[derive(Debug)]
pub(crate) struct QueueOverload {
    state: OverloadState,
    is_on: AtomicBool,
}

impl QueueOverload {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, is_on: bool) {
        // Most requests change nothing, and only read.
        if self.is_on() == is_on || self.is_on.swap(is_on, Ordering::Relaxed) == is_on {
            return;
        }
        if is_on {
            self.state.0.fetch_add(1, Ordering::Relaxed);
        } else {
            self.state.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_on_while_any_queue_is_overloaded() {
        let state = OverloadState::default();
        let (one, other) = (state.for_queue(), state.for_queue());
        let steps = [
            (&one, true, true),
            (&one, true, true),
            (&other, true, true),
            (&one, false, true),
            (&other, false, false),
        ];
        for (queue, is_on, expected) in steps {
            queue.set(is_on);
            assert_eq!((queue.is_on(), state.is_on()), (is_on, expected));
        }
    }
}
