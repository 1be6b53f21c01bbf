//! Classes of work.

use std::time::Duration;

/// The class of a call. Within the work of one principal, earlier classes come first, and later ones are shed first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Class {
    /// A change, whose caller would have to repeat it.
    Write,
    /// A request that a person waits for.
    Search,
    /// A request that a machine waits for.
    Bulk,
}

impl Class {
    /// The value of the metric's `class` label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Write => "write",
            Self::Search => "search",
            Self::Bulk => "bulk",
        }
    }

    /// The wait from which requests of an overloaded principal are shed. A search that has waited for longer than 10 ms takes several
    /// times as long as usual: twice the 5 ms of "Fail at Scale" (Maurer, ACM Queue 13(8), 2015), since a stall of a shared core by a
    /// few milliseconds is no overload. Bulk work yields to searches and is not interactive, so it may wait for longer, within the
    /// usual deadlines of a second or more.
    pub(super) const fn max_wait(self) -> Duration {
        match self {
            Self::Write => Duration::from_millis(40),
            Self::Search => Duration::from_millis(10),
            Self::Bulk => Duration::from_millis(250),
        }
    }
}
