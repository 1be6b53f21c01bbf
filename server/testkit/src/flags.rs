//! Names of server settings that tests, benchmarks and the fault harness set.
//!
//! A flag that is renamed is renamed here.

/// Address of the admin endpoint.
pub const ADMIN_LISTEN: &str = "--admin-listen";
/// File that the server writes its address to when it is ready, and removes when it stops.
pub const ADDRESS_FILE: &str = "--address-file";
/// Requests that a client IP may send at once before its rate limit applies.
pub const BURST_PER_IP: &str = "--burst-per-ip";
/// Roles of client certificates, by name.
pub const CERT_ROLES: &str = "--cert-roles";
/// Journal size that triggers a checkpoint, in MiB.
pub const CHECKPOINT_JOURNAL_MIB: &str = "--checkpoint-journal-mib";
/// Brokers of a cluster, comma-separated.
pub const CLUSTER: &str = "--cluster";
/// Accepts brokers of unsupported releases.
pub const CLUSTER_ALLOW_OLDER_BROKERS: &str = "--cluster-allow-older-brokers";
/// Address of a node for other nodes.
pub const CLUSTER_ADDRESS: &str = "--cluster-address";
/// Monitoring endpoints of the brokers, comma-separated.
pub const CLUSTER_MONITORS: &str = "--cluster-monitors";
/// Name of a node.
pub const CLUSTER_NODE: &str = "--cluster-node";
/// Directory of the store.
pub const DATA_DIR: &str = "--data-dir";
/// Address of the HTTP listener.
pub const HTTP_LISTEN: &str = "--http-listen";
/// File that the server writes the address of its HTTP listener to before [`ADDRESS_FILE`].
pub const HTTP_ADDRESS_FILE: &str = "--http-address-file";
/// Allows an address that other machines reach without TLS.
pub const INSECURE: &str = "--insecure";
/// Address to listen on.
pub const LISTEN: &str = "--listen";
/// Age at which a connection is drained, in seconds.
pub const MAX_CONNECTION_AGE_S: &str = "--max-connection-age-s";
/// Concurrent connections per client IP.
pub const MAX_CONNECTIONS_PER_IP: &str = "--max-connections-per-ip";
/// Protocol errors tolerated per client IP.
pub const MAX_PROTOCOL_ERRORS_PER_IP: &str = "--max-protocol-errors-per-ip";
/// Responses that clients have not read, in MiB.
pub const MAX_UNREAD_MIB: &str = "--max-unread-mib";
/// Free disk space below which changes are rejected, in MiB.
pub const MIN_FREE_DISK_MIB: &str = "--min-free-disk-mib";
/// File with the key of page tokens, the same on all nodes.
pub const PAGE_TOKEN_KEY: &str = "--page-token-key";
/// Requests per second and client IP.
pub const RATE_PER_IP_PER_S: &str = "--rate-per-ip-per-s";
/// Serves the readable part of a damaged store, read-only.
pub const SERVE_DAMAGED_READ_ONLY: &str = "--serve-damaged-read-only";
/// Time that calls in flight have to complete at shutdown, in seconds.
pub const SHUTDOWN_GRACE_PERIOD_S: &str = "--shutdown-grace-period-s";
/// Time after which a watcher that does not read is disconnected, in seconds.
pub const WATCH_SEND_TIMEOUT_S: &str = "--watch-send-timeout-s";

/// Address of the admin endpoint, for `nearby status`.
pub const STATUS_ADMIN: &str = "--admin";

/// Environment variable of [`MIN_FREE_DISK_MIB`].
pub const MIN_FREE_DISK_MIB_VARIABLE: &str = "NEARBY_MIN_FREE_DISK_MIB";
/// Environment variable of [`ADMIN_LISTEN`].
pub const ADMIN_LISTEN_VARIABLE: &str = "NEARBY_ADMIN_LISTEN";
/// Environment variable of [`LISTEN`].
pub const LISTEN_VARIABLE: &str = "NEARBY_LISTEN";
