//! Overload control: whose work comes next, and what the server rejects when it has more work than time.
//!
//! ```text
//! request ─→ authentication ─→ work_queue ──────────────→ handler ─→ short: runs inline, slice by slice
//!                              a permit for each thread,  │
//!                              in the order of fair_queue └─→ long: a thread of its own, slice by slice
//!                              sheds what waited too long        with permits of the same queue
//!                              in the queue of its principal
//! ```
//!
//! A *flow* is the work of one principal, or of one client subnet if authentication is disabled. [`fair_queue`] orders flows by the CPU
//! time that they have used over their share, so that a flow that uses less than its share comes next at once, whatever others do,
//! and a flow alone may use everything. Within a flow, [`class`] decides: writes, then searches, then bulk work.
//!
//! [`work_queue`] hands out permits for the threads of the runtime. [`scheduled`] takes one for each poll of a call's future, and
//! [`mod@slice`] tells long jobs when to yield, so that nothing holds a thread for longer than about a millisecond
//! (`nearby_work_slice_seconds`).
//!
//! A flow whose queue has not been empty during 100 ms of work of each thread, and holds more work than its share completes in the time that a request of its
//! class may wait, uses more than its share: its requests that have waited for longer than that are shed, with UNAVAILABLE `OVERLOADED` and the delay of its own queue as the retry delay. Work that has
//! started is never shed. Rejections take at most about half of the flow's time. Connections half of whose requests are shed read in
//! larger batches (`net::write_coalescing`): a rejection of requests that arrive together costs a third of single ones.
//! `nearby_requests_shed_total` counts what is shed.
//! [`principal_limits`] bounds the watches, streams and bulk calls of one principal. `net::message_limits` bounds memory instead of time, and answers the same.

pub(crate) mod class;
pub(crate) mod fair_queue;
pub(crate) mod flow;
mod flows;
pub(crate) mod principal_limits;
pub mod resource;
pub(crate) mod scheduled;
pub(crate) mod slice;
pub(crate) mod work_queue;
