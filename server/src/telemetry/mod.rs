//! Telemetry: logs, metrics and traces. None of it contains a user's coordinates.
//!
//! | module | contents |
//! |---|---|
//! | `cluster` | metrics of a node of a cluster |
//! | `logs` | log output and its filter |
//! | `maker` | creates and registers metrics |
//! | `metrics` | Prometheus metrics |
//! | `principals` | the metrics of each principal |
//! | `process` | CPU time, memory and file descriptors of the process |
//! | `scrape_state` | the state of a server that its gauges show |
//! | `status` | the metrics that `nearby status` shows, as JSON |
//! | `traces` | spans of calls, exported over OTLP |
//! | `panics` | counts and logs panics |

pub(crate) mod cluster;
mod logs;
mod maker;
pub mod metrics;
pub mod panics;
pub(crate) mod principals;
mod process;
pub(crate) mod scrape_state;
pub(crate) mod status;
pub(crate) mod traces;

pub use self::logs::{LogArgs, LogControl, LogFormat, start};
pub use self::traces::TraceSettings;
