//! What can be seen of a server from outside. Never a user's coordinates.
//!
//! | module | what it is |
//! |---|---|
//! | `logs` | what happened, for people and for programs |
//! | `metrics` | how much, how often and how long |
//! | `traces` | spans of calls, for OpenTelemetry's collectors |
//! | `panics` | faults of this program |

mod logs;
pub mod metrics;
pub mod panics;
mod process;
pub(crate) mod status;
pub(crate) mod traces;

pub use self::logs::{LogArgs, LogControl, LogFormat, start};
pub use self::traces::TraceSettings;
