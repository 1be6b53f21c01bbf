//! Every setting of the server, declared once: flag, environment variable, file key, default and help.
//!
//! The flag and the environment variable follow from the file key (`max_radius_m`, `--max-radius-m`, `NEARBY_MAX_RADIUS_M`);
//! a test compares them. A flag wins over the environment, the environment over the file, the file over the default.

use std::{
    fmt,
    path::{Path, PathBuf},
};

use clap::{Args, Parser};
use serde::Deserialize;

use super::ConfigError;
use crate::fs::regular_file::{self, Contents};

/// Declares the settings as the fields of [`ServerArgs`]. `= value` and `=> "text"` give the default, which becomes part of the
/// help and the result of the method that has the setting's name.
macro_rules! server_args {
    ($(
        $name:ident: $type:ty $(= $default:literal)? $(=> $text:literal)?,
        $env:literal, $value:literal, $help:literal $(, [$($more:tt)+])?;
    )*) => {
        /// The settings as they are given, before they are checked.
        #[derive(Args, Clone, Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields)]
        pub struct ServerArgs {$(
            #[doc = $help]
            #[arg(
                long,
                env = $env,
                value_name = $value,
                help = concat!($help $(, " [default: ", $default, "]")? $(, " [default: ", $text, "]")?)
                $(, $($more)+)?
            )]
            pub $name: Option<$type>,
        )*
            /// The log filter, in a settings file only: every command has the flag and the variable, which take precedence.
            #[arg(skip)]
            pub log: Option<String>,
        }

        impl ServerArgs {
            /// Takes the settings of `other` where this one has none.
            fn or(self, other: Self) -> Self {
                Self {$( $name: self.$name.or(other.$name), )* log: self.log.or(other.log) }
            }

            $($(
                #[doc = concat!("The setting, or its default: ", $default, ".")]
                pub(super) fn $name(&self) -> $type {
                    self.$name.unwrap_or($default)
                }
            )?)*
            $($(
                #[doc = concat!("The setting, or its default: ", $text, ".")]
                pub(super) fn $name(&self) -> $type {
                    self.$name.clone().unwrap_or_else(|| <$type>::from($text))
                }
            )?)*
        }
    };
}

server_args! {
    data_dir: PathBuf => "nearby-data", "NEARBY_DATA_DIR", "DIR",
        "Directory of the store; created if it does not exist";
    listen: String => "127.0.0.1:50051", "NEARBY_LISTEN", "ADDRESS",
        "Address and port to listen on; port 0 takes a free one. A host name is resolved once, to its first IPv4 address if it has one";
    tls_cert: PathBuf, "NEARBY_TLS_CERT", "FILE",
        "Certificate chain of the server, in PEM; requires --tls-key. Reloaded when it changes";
    tls_key: PathBuf, "NEARBY_TLS_KEY", "FILE",
        "Private key of the certificate, in PEM";
    tls_client_ca: PathBuf, "NEARBY_TLS_CLIENT_CA", "FILE",
        "Certificate authorities of client certificates, in PEM; every client must then present one (mTLS)";
    keys: PathBuf, "NEARBY_KEYS", "FILE",
        "File of API keys, managed by `nearby keys`; calls then require a key, a token or an allowed certificate. Reloaded when it changes";
    jwt_keys: String, "NEARBY_JWT_KEYS", "FILE|URL",
        "Keys that sign JSON Web Tokens: a file or an https:// URL of a JSON Web Key Set";
    jwt_issuer: String, "NEARBY_JWT_ISSUER", "ISSUER",
        "Required issuer of a token";
    jwt_audience: String, "NEARBY_JWT_AUDIENCE", "AUDIENCE",
        "Required audience of a token";
    jwt_algorithms: String => "RS256,PS256,ES256,EdDSA", "NEARBY_JWT_ALGORITHMS", "LIST",
        "Accepted signature algorithms of tokens";
    cert_roles: Vec<String>, "NEARBY_CERT_ROLES", "NAME=ROLES",
        "Roles of the client certificate with this name, such as spiffe://shop/indexer=manage; repeatable, in the environment separated by `;`",
        [value_delimiter = ';'];
    rate_per_s: u32, "NEARBY_RATE_PER_S", "NUMBER",
        "Units of work per second of a principal whose key sets no rate: 1 is a search of 20 merchants in the BASIC view, and ACCESS.md lists the costs of all calls [default: no limit]";
    burst: u32, "NEARBY_BURST", "NUMBER",
        "Units of work at once [default: twice the rate]";
    rate_per_ip_per_s: u32, "NEARBY_RATE_PER_IP_PER_S", "NUMBER",
        "Calls per second of one client IP, before authentication [default: no limit]";
    burst_per_ip: u32, "NEARBY_BURST_PER_IP", "NUMBER",
        "Calls at once of one client IP [default: twice the rate]";
    page_token_key: PathBuf, "NEARBY_PAGE_TOKEN_KEY", "FILE",
        "File of the key of page tokens, which servers may share: a line of 64 hexadecimal digits (`openssl rand -hex 32`). A second key is also accepted, for a rotation [default: a key in the data directory]";
    audit_log: PathBuf, "NEARBY_AUDIT_LOG", "FILE",
        "File to append a line to for each change, import, export and backup: who, when, from where";
    admin_listen: String, "NEARBY_ADMIN_LISTEN", "ADDRESS",
        "Address or host name, and port, of the admin endpoint, over HTTP: /live, /ready, /status, /metrics and /log [default: none]";
    http_listen: String, "NEARBY_HTTP_LISTEN", "ADDRESS",
        "Address or host name, and port, to serve calls as JSON (Connect), files of merchants and the page on, over HTTP [default: none]";
    http_hosts: Vec<String>, "NEARBY_HTTP_HOSTS", "NAMES",
        "Host names of the HTTP listener besides localhost and IP addresses, separated by commas; requests to others are rejected",
        [value_delimiter = ','];
    http_origins: Vec<String>, "NEARBY_HTTP_ORIGINS", "ORIGINS",
        "Origins (scheme, host and port) of other servers whose pages may call the HTTP listener, separated by commas",
        [value_delimiter = ','];
    http_address_file: PathBuf, "NEARBY_HTTP_ADDRESS_FILE", "FILE",
        "File to write the address of the HTTP listener to once the server is ready; removed at shutdown";
    no_http_page: bool = false, "NEARBY_NO_HTTP_PAGE", "BOOL",
        "Serve no page on the HTTP listener, only calls and files",
        [num_args = 0..=1, default_missing_value = "true"];
    map_style: String, "NEARBY_MAP_STYLE", "URL|FILE",
        "MapLibre style of the page's base map: an https:// URL, or a file [default: a map in the binary]";
    map_tiles: String, "NEARBY_MAP_TILES", "URL",
        "Raster tiles of the page's base map: a URL with {z}, {x} and {y}; requires --map-attribution";
    map_attribution: String, "NEARBY_MAP_ATTRIBUTION", "TEXT",
        "Attribution of the raster tiles, which the page shows";
    map_origins: Vec<String>, "NEARBY_MAP_ORIGINS", "ORIGINS",
        "Origins that a style at a URL loads its tiles, fonts and images from, separated by commas",
        [value_delimiter = ','];
    map_datum: String => "wgs84", "NEARBY_MAP_DATUM", "DATUM",
        "Datum of the base map: wgs84 or gcj02";
    photo_origins: Vec<String>, "NEARBY_PHOTO_ORIGINS", "ORIGINS",
        "Origins from which the page may load photos of merchants, on demand, separated by commas [default: none]",
        [value_delimiter = ','];
    otlp_endpoint: String, "NEARBY_OTLP_ENDPOINT", "URL",
        "OpenTelemetry collector to send spans to, over OTLP with gRPC, such as http://127.0.0.1:4317 [default: none]";
    trace_ratio: f64 = 0.01, "NEARBY_TRACE_RATIO", "RATIO",
        "Share of calls to trace whose clients make no sampling decision, from 0 to 1";
    holidays: PathBuf, "NEARBY_HOLIDAYS", "FILE",
        "Public and school holidays, in TOML, that are added to the built-in calendar or replace it for a country";
    review_changes: bool = false, "NEARBY_REVIEW_CHANGES", "BOOL",
        "Hide a merchant until its review when an API key that is limited to merchants changes it",
        [num_args = 0..=1, default_missing_value = "true"];
    slow_search_ms: u64 = 100, "NEARBY_SLOW_SEARCH_MS", "MS",
        "Duration from which a search is logged as slow, in milliseconds; its position is not logged";
    insecure: bool = false, "NEARBY_INSECURE", "BOOL",
        "Allow other machines to call without TLS or without authentication",
        [num_args = 0..=1, default_missing_value = "true"];
    max_connections: usize = 10_000, "NEARBY_MAX_CONNECTIONS", "NUMBER",
        "Concurrent connections; at most what the limit of open files allows";
    max_connections_per_ip: usize = 1_000, "NEARBY_MAX_CONNECTIONS_PER_IP", "NUMBER",
        "Concurrent connections of one client IP, or of one IPv6 /64";
    max_protocol_errors_per_ip: usize = 10, "NEARBY_MAX_PROTOCOL_ERRORS_PER_IP", "NUMBER",
        "Early HTTP/2 protocol errors tolerated per client IP in any 2-second window; further connections are rejected until the window ends. 0 disables this, as behind a load balancer";
    max_unread_mib: usize = 512, "NEARBY_MAX_UNREAD_MIB", "MIB",
        "Responses of all connections that clients have not read, in MiB; beyond it the connections that have read nothing for longest are closed";
    max_connection_age_s: u64 = 3_600, "NEARBY_MAX_CONNECTION_AGE_S", "SECONDS",
        "Age at which a connection drains, in seconds, so that clients behind a load balancer find new servers";
    address_file: PathBuf, "NEARBY_ADDRESS_FILE", "FILE",
        "File to write the address to once the server is ready, for scripts that use port 0; removed at shutdown";
    max_radius_m: f64 = 5_000.0, "NEARBY_MAX_RADIUS_M", "METRES",
        "Largest search radius, in metres, up to 50000";
    max_service_radius_m: f64 = 50_000.0, "NEARBY_MAX_SERVICE_RADIUS_M", "METRES",
        "Largest distance of merchants that serve the origin of a search, in metres, up to 50000";
    max_watchers: usize = 20_000, "NEARBY_MAX_WATCHERS", "NUMBER",
        "Concurrent watching calls";
    max_streams: usize = 10_000, "NEARBY_MAX_STREAMS", "NUMBER",
        "Concurrent streaming calls that are no watches";
    max_bulk_calls: usize = 1_000, "NEARBY_MAX_BULK_CALLS", "NUMBER",
        "Concurrent batches, density and list calls";
    max_principal_fraction: f64 = 0.9, "NEARBY_MAX_PRINCIPAL_FRACTION", "FRACTION",
        "Fraction of these calls that one principal may hold while no other holds any; 1 disables the limit";
    change_feed_reserve: f64 = 0.1, "NEARBY_CHANGE_FEED_RESERVE", "FRACTION",
        "Fraction of the watching calls that only WatchMerchants can take";
    observe_principal_limits: bool = false, "NEARBY_OBSERVE_PRINCIPAL_LIMITS", "BOOL",
        "Count the calls that exceed the limits of their principal, but do not reject them",
        [num_args = 0..=1, default_missing_value = "true"];
    watch_send_timeout_s: u64 = 30, "NEARBY_WATCH_SEND_TIMEOUT_S", "SECONDS",
        "Time for which a watcher may leave a response unread before its call ends, in seconds";
    reflection: bool = false, "NEARBY_REFLECTION", "BOOL",
        "Serve gRPC server reflection, so that tools such as grpcurl need no proto files",
        [num_args = 0..=1, default_missing_value = "true"];
    shutdown_grace_period_s: u64 = 10, "NEARBY_SHUTDOWN_GRACE_PERIOD_S", "SECONDS",
        "Time for calls in flight to finish after SIGTERM or SIGINT, in seconds";
    min_free_disk_mib: u64, "NEARBY_MIN_FREE_DISK_MIB", "MIB",
        "Free disk space below which changes are rejected, in MiB [default: 1024, or a tenth of the disk if that is more]";
    checkpoint_journal_mib: u64 = 256, "NEARBY_CHECKPOINT_JOURNAL_MIB", "MIB",
        "Size of the journal at which a checkpoint starts, in MiB; up to four times as much while a checkpoint has much to write";
    serve_damaged_read_only: bool = false, "NEARBY_SERVE_DAMAGED_READ_ONLY", "BOOL",
        "Serve the intact part of a damaged store, read-only",
        [num_args = 0..=1, default_missing_value = "true"];
    scratch: PathBuf, "NEARBY_SCRATCH", "DIR",
        "Directory for a temporary copy of the base of a store on a read-only file system, if neither snapshot file nor journal have all records";
    cluster: Vec<String>, "NEARBY_CLUSTER", "URLS",
        "NATS brokers of the cluster that this server is a node of, such as nats://10.0.0.1:4222, separated by commas; the data directory must be a member (`nearby cluster init` or `join`) [default: none, a single node]",
        [value_delimiter = ','];
    cluster_node: String, "NEARBY_CLUSTER_NODE", "NAME",
        "Name of this node, unique in the cluster; required with --cluster";
    cluster_stream: String => "NEARBY", "NEARBY_CLUSTER_STREAM", "NAME",
        "Name of the JetStream stream that holds the log of the cluster";
    cluster_address: String, "NEARBY_CLUSTER_ADDRESS", "URL",
        "Address of this server for other nodes, such as https://10.0.0.1:50051 [default: the address that it listens on]";
    cluster_monitors: Vec<String>, "NEARBY_CLUSTER_MONITORS", "URLS",
        "Monitoring endpoints of the brokers, such as http://10.0.0.1:8222, separated by commas: they tell whether a broker syncs each message",
        [value_delimiter = ','];
    cluster_nkey: PathBuf, "NEARBY_CLUSTER_NKEY", "FILE",
        "File with the seed of the nkey for the brokers";
    cluster_ca: PathBuf, "NEARBY_CLUSTER_CA", "FILE",
        "Certificate authorities of the brokers, in PEM; connections then use TLS";
    cluster_cert: PathBuf, "NEARBY_CLUSTER_CERT", "FILE",
        "Client certificate for the brokers, in PEM; requires --cluster-cert-key and --cluster-ca";
    cluster_cert_key: PathBuf, "NEARBY_CLUSTER_CERT_KEY", "FILE",
        "Private key of the client certificate for the brokers, in PEM";
    cluster_peer_key: PathBuf, "NEARBY_CLUSTER_PEER_KEY", "FILE",
        "File of an API key with the role operate, with which this node calls the others";
    cluster_peer_ca: PathBuf, "NEARBY_CLUSTER_PEER_CA", "FILE",
        "Certificate authorities of the other nodes, in PEM [default: those of the operating system]";
    cluster_max_lag: u64 = 1_000, "NEARBY_CLUSTER_MAX_LAG", "MESSAGES",
        "Commits that this node may lack and still be ready for searches";
    cluster_allow_older_brokers: bool = false, "NEARBY_CLUSTER_ALLOW_OLDER_BROKERS", "BOOL",
        "Accept brokers of unsupported releases, for tests of broker upgrades",
        [num_args = 0..=1, default_missing_value = "true", hide = true];
    expose_internal_fields: bool = false, "NEARBY_EXPOSE_INTERNAL_FIELDS", "BOOL",
        "Return labels and external ids of merchants to callers without the role manage, too",
        [num_args = 0..=1, default_missing_value = "true"];
    log_cells: bool = false, "NEARBY_LOG_CELLS", "BOOL",
        "Include the H3 cell of resolution 5 (250 km²) of searches in debug logs",
        [num_args = 0..=1, default_missing_value = "true"];
}

/// A setting by its file key, displayed with its flag and environment variable: `listen (--listen, NEARBY_LISTEN)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Setting(pub &'static str);

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(key) = self;
        write!(f, "{key} ({}, {})", flag_of(key), variable_of(key))
    }
}

impl Setting {
    /// The error of a value that is not allowed.
    pub(super) fn invalid(self, reason: impl Into<String>) -> ConfigError {
        ConfigError::Invalid { setting: self, reason: reason.into() }
    }
}

fn flag_of(key: &str) -> String {
    format!("--{}", key.replace('_', "-"))
}

fn variable_of(key: &str) -> String {
    format!("NEARBY_{}", key.to_uppercase())
}

/// Settings that were renamed before the first release: the old and the new key.
const RENAMED: [(&str, &str); 13] = [
    ("allow_certificate", "cert_roles"),
    ("burst_per_address", "burst_per_ip"),
    ("connection_age_s", "max_connection_age_s"),
    ("disk_floor_mib", "min_free_disk_mib"),
    ("journal_mib", "checkpoint_journal_mib"),
    ("max_breaches_per_address", "max_protocol_errors_per_ip"),
    ("max_connections_per_address", "max_connections_per_ip"),
    ("operations", "admin"),
    ("operations_listen", "admin_listen"),
    ("rate_per_address_per_s", "rate_per_ip_per_s"),
    ("salvage", "serve_damaged_read_only"),
    ("shutdown_deadline_s", "shutdown_grace_period_s"),
    ("watch_patience_s", "watch_send_timeout_s"),
];

/// The message for a flag, an environment variable or a file key that was renamed: it names the successor.
#[must_use]
pub fn renamed(name: &str) -> Option<String> {
    RENAMED.iter().find_map(|(old, new)| {
        [(flag_of(old), flag_of(new)), (variable_of(old), variable_of(new)), ((*old).into(), (*new).into())]
            .into_iter()
            .find_map(|(old, new)| (old == name).then(|| format!("{old} was renamed to {new}")))
    })
}

impl ServerArgs {
    /// The settings of the environment that apply to a command which opens a closed store: only this process calls it, and
    /// settings of a server's network or authentication do not apply.
    ///
    /// # Errors
    /// When a variable cannot be parsed.
    pub fn from_environment() -> Result<Self, clap::Error> {
        #[derive(Parser)]
        struct Environment {
            #[command(flatten)]
            args: ServerArgs,
        }
        let given = Environment::try_parse_from(["nearby"])?.args;
        Ok(Self {
            data_dir: given.data_dir,
            max_radius_m: given.max_radius_m,
            max_service_radius_m: given.max_service_radius_m,
            min_free_disk_mib: given.min_free_disk_mib,
            checkpoint_journal_mib: given.checkpoint_journal_mib,
            serve_damaged_read_only: given.serve_damaged_read_only,
            scratch: given.scratch,
            shutdown_grace_period_s: given.shutdown_grace_period_s,
            ..Self::default()
        })
    }

    /// These settings over those of a file.
    ///
    /// # Errors
    /// When the file cannot be read, is no TOML, or has an unknown or renamed key.
    pub(super) fn over_file(self, path: &Path) -> Result<Self, ConfigError> {
        // SIGHUP reads it again, in the task that handles the signals: a FIFO must not block that.
        let text = regular_file::read(path, regular_file::MAX_BYTES)
            .and_then(Contents::into_text)
            .map_err(|source| ConfigError::Unreadable { path: path.to_owned(), source })?;
        let malformed = |reason| ConfigError::Malformed { path: path.to_owned(), reason };
        let keys: toml::Table =
            text.parse().map_err(|error: toml::de::Error| malformed(error.to_string()))?;
        if let Some(message) = keys.keys().find_map(|key| renamed(key)) {
            return Err(malformed(message));
        }
        Ok(self.or(toml::from_str(&text).map_err(|error| malformed(error.to_string()))?))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        args: ServerArgs,
    }

    #[test]
    fn flags_and_environment_variables_follow_from_the_file_keys() {
        let command = Cli::command();
        let settings: Vec<&clap::Arg> =
            command.get_arguments().filter(|arg| arg.get_env().is_some()).collect();
        assert!(settings.len() > 30);
        for arg in settings {
            let key = arg.get_id().as_str();
            assert_eq!(arg.get_long().map(|long| format!("--{long}")), Some(flag_of(key)));
            assert_eq!(arg.get_env().and_then(|env| env.to_str()), Some(variable_of(key).as_str()));
            assert!(arg.get_help().is_some_and(|help| !help.to_string().ends_with('.')), "{key}");
        }
        assert_eq!(Setting("listen").to_string(), "listen (--listen, NEARBY_LISTEN)");
    }

    #[test]
    fn renamed_settings_name_their_successors() {
        let command = Cli::command();
        for (old, new) in RENAMED {
            let exists = |key: &str| command.get_arguments().any(|arg| arg.get_id().as_str() == key);
            assert!(!exists(old), "{old}");
            // `--admin` is an option of `nearby status`.
            assert!(exists(new) || new == "admin", "{new}");
        }
        assert_eq!(
            renamed("--disk-floor-mib").unwrap(),
            "--disk-floor-mib was renamed to --min-free-disk-mib"
        );
        assert!(renamed("NEARBY_OPERATIONS").unwrap().ends_with("NEARBY_ADMIN"));
        assert_eq!(renamed("--listen"), None);
    }
}
