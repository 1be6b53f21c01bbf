//! Classes of work.

/// The class of a call. While requests wait for threads, later classes are rejected first.
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
}

/// The stage of work: it may be rejected until it has started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The work has not started.
    Rejectable(Class),
    /// The work has started: to reject it would waste what it has cost.
    Started,
}

impl Admission {
    /// The class, if the work may be rejected.
    pub(super) const fn rejectable(self) -> Option<Class> {
        match self {
            Self::Rejectable(class) => Some(class),
            Self::Started => None,
        }
    }
}
