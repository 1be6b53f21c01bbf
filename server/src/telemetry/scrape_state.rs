//! The state of a server that its gauges show.

use super::cluster::ClusterScrape;

/// The state of a server at a scrape.
#[derive(Clone, Debug, Default)]
pub(crate) struct State {
    pub(crate) merchants_visible: usize,
    pub(crate) merchants_hidden: usize,
    pub(crate) revision: u64,
    pub(crate) commands_waiting: usize,
    pub(crate) traffic: Traffic,
    pub(crate) is_ready: bool,
    pub(crate) is_writable: bool,
    pub(crate) disk_free_bytes: Option<u64>,
    pub(crate) certificate_expiry_s: Option<i64>,
    pub(crate) last_backup_s: i64,
    pub(crate) failing_reloads: FailingReloads,
    pub(crate) audit_log_write_failures: u64,
    /// The state of a node of a cluster.
    pub(crate) cluster: Option<ClusterScrape>,
}

/// The state of calls and connections.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Traffic {
    pub(crate) requests_in_flight: usize,
    pub(crate) watchers: usize,
    pub(crate) unread_response_bytes: usize,
    pub(crate) unread_request_frames: usize,
}

/// Files that cannot be read or used, so that what was read of them before is in use.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct FailingReloads {
    pub(crate) api_keys: bool,
    pub(crate) certificates: bool,
    pub(crate) jwks: bool,
}
