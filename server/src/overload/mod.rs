//! Overload control: what the server rejects when it has more work than time, and how it detects that.
//!
//! ```text
//! request ─→ queue_delay ───────────→ handler ─→ short: runs inline
//!            rejects what waited      │
//!            too long for a thread;   └─→ bulk, or turned out to be long: work_queue ─→ blocking thread
//!            also bulk work that its      one permit per core, in order of arrival;
//!            work_queue would reject      rejects while the queue stands
//!                    │                                     │
//!                    └──────────→ state ←──────────────────┘
//!                                 while on, connections read in larger batches
//! ```
//!
//! Queues form in two kinds of places, so two detectors exist. [`queue_delay`] measures how long a request waits for a thread of the
//! runtime; while most requests of a window have waited too long, it rejects those that did. [`work_queue`] bounds work
//! that takes long to one job per core, with one queue for bulk work and one for long searches; while its queue has been long for more than a
//! burst, it rejects new work. Each reports to [`state`], which `net::write_coalescing` reads: a rejection of requests that
//! arrive together costs a third of single ones.
//!
//! [`class`] decides how long a request may wait for a thread: bulk work is rejected first, then searches, and writes last. Work
//! that has started is never rejected. A rejection is UNAVAILABLE `OVERLOADED` with RetryInfo; `nearby_requests_shed_total`
//! counts it. `net::message_limits` bounds memory instead of time, and answers the same.

pub(crate) mod class;
pub(crate) mod queue_delay;
pub(crate) mod state;
pub(crate) mod work_queue;
