//! Time as an argument: whatever reads a clock is given one, and tests give it theirs.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use nearby_index::UnixMicros;

/// Wall-clock time, for what is stored or compared with expiry times.
pub type Clock = Arc<dyn Fn() -> UnixMicros + Send + Sync>;

/// The wall clock of this machine.
#[must_use]
pub fn system() -> Clock {
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the system's wall clock")]
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        UnixMicros(i64::try_from(now.as_micros()).unwrap_or(i64::MAX))
    })
}

/// Monotonic time, for durations.
#[derive(Clone)]
pub struct Monotonic(Arc<dyn Fn() -> Instant + Send + Sync>);

impl Monotonic {
    /// The monotonic clock of this machine.
    #[must_use]
    pub fn system() -> Self {
        Self(Arc::new(Instant::now))
    }

    /// The time now.
    #[must_use]
    pub fn now(&self) -> Instant {
        (self.0)()
    }
}

impl fmt::Debug for Monotonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Monotonic")
    }
}

/// CPU time of the current thread, to tell work from waiting for a processor.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadCpuClock(Option<rustix::time::ClockId>);

impl ThreadCpuClock {
    /// The clock of this machine.
    pub(crate) const fn system() -> Self {
        Self(Some(rustix::time::ClockId::ThreadCPUTime))
    }

    /// No clock, for work in virtual time.
    #[cfg(test)]
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    /// The CPU time that the current thread has used. A system call: half a microsecond.
    pub(crate) fn now(self) -> Option<Duration> {
        let time = rustix::time::clock_gettime(self.0?);
        Some(Duration::new(time.tv_sec.try_into().ok()?, time.tv_nsec.try_into().ok()?))
    }
}

/// A monotonic clock that tests advance.
#[cfg(test)]
#[derive(Clone)]
pub(crate) struct ManualClock(Arc<std::sync::Mutex<Instant>>);

#[cfg(test)]
impl Default for ManualClock {
    fn default() -> Self {
        Self(Arc::new(std::sync::Mutex::new(Instant::now())))
    }
}

#[cfg(test)]
impl ManualClock {
    pub(crate) fn advance(&self, by: std::time::Duration) {
        *self.0.lock().unwrap() += by;
    }

    pub(crate) fn monotonic(&self) -> Monotonic {
        let now = Arc::clone(&self.0);
        Monotonic(Arc::new(move || *now.lock().unwrap()))
    }

    /// A clock whose first reading is `epoch`, so that readers that measure the time since their start agree, and its latest
    /// reading, which is dropped with it.
    pub(crate) fn reader(&self, epoch: Instant) -> (Monotonic, std::sync::Weak<std::sync::Mutex<Instant>>) {
        let (now, latest) = (Arc::clone(&self.0), Arc::new(std::sync::Mutex::new(epoch)));
        let (shared, is_first) = (Arc::downgrade(&latest), std::sync::atomic::AtomicBool::new(true));
        let read = move || {
            if is_first.swap(false, std::sync::atomic::Ordering::Relaxed) {
                return epoch;
            }
            let now = *now.lock().unwrap();
            *latest.lock().unwrap() = now;
            now
        };
        (Monotonic(Arc::new(read)), shared)
    }
}
