//! Settings, in two stages: [`ServerArgs`] as they are given, and [`Settings`], the checked form that the server takes.

mod args;
mod auth;
mod cluster;
mod http_listener;
mod network;

use std::{io, net::SocketAddr, ops::RangeInclusive, path::PathBuf, time::Duration};

use http::Uri;
use nearby_index::Radius;
use nearby_store::OpenMode;
use thiserror::Error;

pub use self::args::{ServerArgs, Setting, renamed};
use crate::{
    auth::{AuthSettings, rate_limit::PerIpRateLimit},
    cluster::ClusterSettings,
    disk_monitor::MinFreeSpace,
    http::settings::HttpSettings,
    net::{limits::ConnectionLimits, tls::TlsFiles},
    overload::resource::ResourceLimits,
    telemetry::TraceSettings,
};

/// Settings that have been checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Directory of the store.
    pub data_dir: PathBuf,
    /// Address to listen on.
    pub listen: SocketAddr,
    /// The HTTP listener, if there is one.
    pub http: Option<HttpSettings>,
    /// File to write the address of the HTTP listener to.
    pub http_address_file: Option<PathBuf>,
    /// Address of the admin endpoint, if there is one.
    pub admin_listen: Option<SocketAddr>,
    /// Destination and sampling of spans, if calls are traced.
    pub traces: Option<TraceSettings>,
    /// File of holidays, if the built-in calendar is not enough.
    pub holidays: Option<PathBuf>,
    /// Duration from which a search is logged as slow.
    pub slow_search: Option<Duration>,
    /// Certificates, if the server speaks TLS.
    pub tls: Option<TlsFiles>,
    /// Limits of connections.
    pub connections: ConnectionLimits,
    /// File to write the listening address to.
    pub address_file: Option<PathBuf>,
    /// File of the keys of page tokens, if servers share them.
    pub page_token_key: Option<PathBuf>,
    /// Largest search radius.
    pub max_radius: Radius,
    /// Largest distance of merchants that serve the origin of a search.
    pub max_service_radius: Radius,
    /// Authentication.
    pub auth: AuthSettings,
    /// Rate limit per client IP.
    pub per_ip: Option<PerIpRateLimit>,
    /// File of the audit log.
    pub audit_log: Option<PathBuf>,
    /// Limits of what principals hold at a time.
    pub resource_limits: ResourceLimits,
    /// Time for which a watcher may leave a response unread.
    pub watch_send_timeout: Duration,
    /// True to serve server reflection.
    pub reflection: bool,
    /// Time for calls in flight to finish at shutdown.
    pub shutdown_grace_period: Duration,
    /// True if callers without the role `manage` see labels and external ids.
    pub expose_internal_fields: bool,
    /// True if changes by API keys that are limited to merchants have to be reviewed.
    pub review_changes: bool,
    /// True if debug logs may contain coarse H3 cells.
    pub log_cells: bool,
    /// Free disk space below which changes are rejected.
    pub min_free_disk: MinFreeSpace,
    /// Size of the journal at which a checkpoint starts, in bytes.
    pub checkpoint_journal_bytes: u64,
    /// Handling of a damaged store, and of one on a read-only file system.
    pub store_mode: OpenMode,
    /// Directory for a copy of a base on a read-only file system.
    pub scratch: Option<PathBuf>,
    /// The cluster, unless the server is a single node.
    pub cluster: Option<ClusterSettings>,
    /// The log filter of the settings file.
    pub log: Option<String>,
}

/// Error of a setting.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The settings file cannot be read.
    #[error("cannot read settings file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// The settings file is no TOML, or has an unknown key.
    #[error("invalid settings file {path}: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// The position and the cause.
        reason: String,
    },
    /// A value is not allowed.
    #[error("{setting} {reason}")]
    Invalid {
        /// The setting.
        setting: Setting,
        /// The condition that it violates.
        reason: String,
    },
}

/// Reads the log filter from a settings file again.
///
/// # Errors
/// When the file cannot be used.
pub(crate) fn log_filter_of(file: &std::path::Path) -> Result<Option<String>, ConfigError> {
    Ok(ServerArgs::default().over_file(file)?.log)
}

impl ServerArgs {
    /// Merges the settings file, if any, below these settings, and checks all of them.
    ///
    /// # Errors
    /// When the file cannot be used or a value is not allowed.
    pub fn settings(self, file: Option<&std::path::Path>) -> Result<Settings, ConfigError> {
        let args = match file {
            Some(file) => self.over_file(file)?,
            None => self,
        };
        let listen = network::address(&args.listen(), Setting("listen"))?;
        let admin_listen = args
            .admin_listen
            .as_deref()
            .map(|text| network::address(text, Setting("admin_listen")))
            .transpose()?;
        let (tls, auth) = (args.tls()?, args.auth()?);
        let http = args.http(tls.is_some())?;
        let exposable = [Some((listen, "listen")), http.as_ref().map(|http| (http.listen, "http_listen"))];
        for (address, setting) in exposable.into_iter().flatten() {
            if !address.ip().is_loopback() && !args.insecure() {
                network::check_exposed((address, Setting(setting)), tls.as_ref(), &auth)?;
            }
        }
        let journal_mib = args.checkpoint_journal_mib();
        if !CHECKPOINT_JOURNAL_MIB.contains(&journal_mib) {
            let (min, max) = (CHECKPOINT_JOURNAL_MIB.start(), CHECKPOINT_JOURNAL_MIB.end());
            return Err(Setting("checkpoint_journal_mib").invalid(format!("must be between {min} and {max}")));
        }
        Ok(Settings {
            listen,
            http,
            http_address_file: args.http_address_file.clone(),
            admin_listen,
            traces: args.traces()?,
            slow_search: Some(Duration::from_millis(args.slow_search_ms())),
            tls,
            connections: args.connections()?,
            max_radius: Radius::new(args.max_radius_m())
                .map_err(|error| Setting("max_radius_m").invalid(error.to_string()))?,
            max_service_radius: Radius::new(args.max_service_radius_m())
                .map_err(|error| Setting("max_service_radius_m").invalid(error.to_string()))?,
            auth,
            per_ip: args.per_ip()?,
            resource_limits: args.resource_limits()?,
            watch_send_timeout: Duration::from_secs(args.watch_send_timeout_s()),
            reflection: args.reflection(),
            shutdown_grace_period: Duration::from_secs(args.shutdown_grace_period_s()),
            expose_internal_fields: args.expose_internal_fields(),
            review_changes: args.review_changes(),
            log_cells: args.log_cells(),
            min_free_disk: args
                .min_free_disk_mib
                .map_or(MinFreeSpace::Default, |mib| MinFreeSpace::Bytes(mib.saturating_mul(MEBIBYTE))),
            checkpoint_journal_bytes: journal_mib * MEBIBYTE,
            store_mode: if args.serve_damaged_read_only() {
                OpenMode::DamagedReadOnly
            } else {
                OpenMode::ReadWrite
            },
            data_dir: args.data_dir(),
            cluster: args.cluster()?,
            log: args.log,
            scratch: args.scratch,
            address_file: args.address_file,
            audit_log: args.audit_log,
            holidays: args.holidays,
            page_token_key: args.page_token_key,
        })
    }

    fn resource_limits(&self) -> Result<ResourceLimits, ConfigError> {
        let fraction = |name, value: f64, range: RangeInclusive<f64>| {
            let invalid = format!("must be between {} and {}", range.start(), range.end());
            if range.contains(&value) { Ok(value) } else { Err(Setting(name).invalid(invalid)) }
        };
        Ok(ResourceLimits {
            max_watchers: self.max_watchers(),
            max_streams: self.max_streams(),
            max_bulk_calls: self.max_bulk_calls(),
            max_principal_fraction: fraction(
                "max_principal_fraction",
                self.max_principal_fraction(),
                MIN_PRINCIPAL_FRACTION..=1.0,
            )?,
            change_feed_reserve: fraction("change_feed_reserve", self.change_feed_reserve(), 0.0..=1.0)?,
            observe_only: self.observe_principal_limits(),
        })
    }

    fn traces(&self) -> Result<Option<TraceSettings>, ConfigError> {
        let ratio = self.trace_ratio();
        if !(0.0..=1.0).contains(&ratio) {
            return Err(Setting("trace_ratio").invalid("must be between 0 and 1"));
        }
        let is_http = |uri: Uri| uri.scheme_str() == Some("http") && uri.host().is_some();
        if !self.otlp_endpoint.iter().all(|endpoint| endpoint.parse().is_ok_and(is_http)) {
            return Err(Setting("otlp_endpoint").invalid(
                "must be an http:// URL with a port, such as http://127.0.0.1:4317; use a collector on this machine or a \
                 trusted network",
            ));
        }
        Ok(self.otlp_endpoint.clone().map(|endpoint| TraceSettings { endpoint, ratio }))
    }
}

const MEBIBYTE: u64 = 1024 * 1024;
/// A longer journal would take minutes to read at start.
const CHECKPOINT_JOURNAL_MIB: RangeInclusive<u64> = 1..=65_536;
/// With less, a principal alone could not take one of a hundred.
const MIN_PRINCIPAL_FRACTION: f64 = 0.01;

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nearby.toml");
        let text = "listen = \"127.0.0.1:1\"\nmax_radius_m = 20000.0\nreflection = true\nlog = \"debug\"\n";
        fs::write(&file, text).unwrap();
        let args = ServerArgs { listen: Some("[::1]:2".to_owned()), ..Default::default() };
        let settings = args.settings(Some(&file)).unwrap();
        assert_eq!(settings.listen, "[::1]:2".parse().unwrap());
        assert_eq!(settings.max_radius, Radius::new(20_000.0).unwrap());
        assert!(settings.reflection);
        assert_eq!(settings.log.as_deref(), Some("debug"));
        assert_eq!(log_filter_of(&file).unwrap(), settings.log);
        assert_eq!(settings.data_dir, Path::new("nearby-data"));
    }

    #[test]
    fn errors_name_the_setting() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nearby.toml");
        let in_file = |text: &str| {
            fs::write(&file, text).unwrap();
            ServerArgs::default().settings(Some(&file)).unwrap_err().to_string()
        };
        let error = in_file("max_radius = 3\n");
        assert!(error.contains("max_radius") && error.contains("nearby.toml"), "{error}");
        assert_eq!(log_filter_of(&file).unwrap_err().to_string(), error);
        let error = in_file("disk_floor_mib = 3\n");
        assert!(error.contains("disk_floor_mib was renamed to min_free_disk_mib"), "{error}");
        let error = |args: ServerArgs| args.settings(None).unwrap_err().to_string();
        let of = ServerArgs::default;
        assert!(error(ServerArgs { max_radius_m: Some(60_000.0), ..of() }).contains("--max-radius-m"));
        for endpoint in ["nonsense", "https://collector:4317", "127.0.0.1:4317"] {
            let args = ServerArgs { otlp_endpoint: Some(endpoint.to_owned()), ..of() };
            assert!(error(args).contains("--otlp-endpoint"), "{endpoint}");
        }
        for mib in [0, 65_537] {
            let args = ServerArgs { checkpoint_journal_mib: Some(mib), ..of() };
            assert!(error(args).contains("--checkpoint-journal-mib"));
        }
        let listen = ServerArgs { listen: Some("localhost".to_owned()), ..of() };
        assert!(error(listen).contains("NEARBY_LISTEN"));
        let admin_listen = ServerArgs { admin_listen: Some("nowhere.invalid:80".to_owned()), ..of() };
        assert!(error(admin_listen).contains("NEARBY_ADMIN_LISTEN"));
        assert!(ServerArgs::default().settings(Some(Path::new("/nowhere"))).is_err());
    }
}
