//! Lets a response end while its client reads nothing.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering::Relaxed},
};

/// The backpressure of one response, in the extensions of its request; clones share it.
///
/// A body is not polled for another frame while a frame of it waits for the client. Without more, its deadline would pass unnoticed.
/// An observer is a part of the body that may end the response early, such as its deadline. A body with an observer is polled all
/// the time. While a frame waits, the observer polls nothing inside it: a frame that the body returns then is the end of the response.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backpressure(Arc<State>);

// Only the task that polls the body reads and writes the state once the body exists.
#[derive(Debug, Default)]
struct State {
    is_blocked: AtomicBool,
    is_observed: AtomicBool,
}

/// One observer in the body of a response.
#[derive(Debug)]
pub(crate) struct BackpressureObserver {
    backpressure: Backpressure,
    /// Bodies nest. The outer observers poll the inner ones, which may end the response, too.
    is_innermost: bool,
}

impl Backpressure {
    /// Adds an observer around those that exist.
    pub(crate) fn observe(self) -> BackpressureObserver {
        let is_innermost = !self.0.is_observed.swap(true, Relaxed);
        BackpressureObserver { backpressure: self, is_innermost }
    }

    pub(super) fn is_observed(&self) -> bool {
        self.0.is_observed.load(Relaxed)
    }

    /// Records whether a frame waits for the client.
    pub(super) fn set_blocked(&self, is_blocked: bool) {
        self.0.is_blocked.store(is_blocked, Relaxed);
    }
}

impl BackpressureObserver {
    /// Returns whether the body inside the observer must not be polled. The task polls it again when that changes.
    pub(crate) fn holds_back(&self) -> bool {
        self.is_innermost && self.backpressure.0.is_blocked.load(Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_innermost_observer_holds_back_and_only_while_a_frame_waits() {
        let backpressure = Backpressure::default();
        assert!(!backpressure.is_observed());
        let [inner, outer] = [(); 2].map(|()| backpressure.clone().observe());
        assert!(backpressure.is_observed());
        let hold_back = || [inner.holds_back(), outer.holds_back()];
        assert_eq!(hold_back(), [false, false]);
        backpressure.set_blocked(true);
        assert_eq!(hold_back(), [true, false]);
        backpressure.set_blocked(false);
        assert_eq!(hold_back(), [false, false]);
    }
}
