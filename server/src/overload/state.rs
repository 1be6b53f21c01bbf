//! Whether there is too much to do, as the queues see it.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// How many queues refuse calls at present; shared by its clones.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pressure(Arc<AtomicUsize>);

impl Pressure {
    /// Whether any does.
    pub(crate) fn is_on(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }

    /// That of one more queue: none yet.
    pub(crate) fn of_queue(&self) -> PressureOfQueue {
        PressureOfQueue { all: self.clone(), is_on: AtomicBool::new(false) }
    }
}

/// Whether one queue refuses calls.
#[derive(Debug)]
pub(crate) struct PressureOfQueue {
    all: Pressure,
    is_on: AtomicBool,
}

impl PressureOfQueue {
    pub(crate) fn is_on(&self) -> bool {
        self.is_on.load(Ordering::Relaxed)
    }

    pub(crate) fn set(&self, is_on: bool) {
        // Most calls find it as it is, and only look.
        if self.is_on() == is_on || self.is_on.swap(is_on, Ordering::Relaxed) == is_on {
            return;
        }
        if is_on {
            self.all.0.fetch_add(1, Ordering::Relaxed);
        } else {
            self.all.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_on_while_any_queue_has_it() {
        let all = Pressure::default();
        let (one, other) = (all.of_queue(), all.of_queue());
        let steps = [
            (&one, true, true),
            (&one, true, true),
            (&other, true, true),
            (&one, false, true),
            (&other, false, false),
        ];
        for (queue, is_on, expected) in steps {
            queue.set(is_on);
            assert_eq!((queue.is_on(), all.is_on()), (is_on, expected));
        }
    }
}
