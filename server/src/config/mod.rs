//! Settings, in two stages: what was said, by flag, environment or file; and one checked form that the server takes.

mod auth;
mod network;

use std::{
    fs, io,
    net::SocketAddr,
    ops::RangeInclusive,
    path::{Path, PathBuf},
    time::Duration,
};

use clap::{Args, Parser};
use http::Uri;
use nearby_index::Radius;
use serde::Deserialize;
use thiserror::Error;

use crate::{
    app::startup::Loading,
    auth::{AccessSettings, PerAddress},
    net::{ConnectionLimits, TlsFiles},
    telemetry::{LogControl, TraceSettings},
    write_availability::Floor,
};

/// What was said: a flag, or else an environment variable, or else the file, or else the default.
#[derive(Args, Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerArgs {
    /// Directory that the merchants live in; made if it is not there [default: nearby-data]
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    pub data_dir: Option<PathBuf>,

    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:50051]
    #[arg(long, env = "NEARBY_LISTEN", value_name = "ADDRESS")]
    pub listen: Option<String>,

    /// Certificate to show, in PEM, with those that lead to one that callers trust; with --tls-key. Read again when it
    /// changes
    #[arg(long, env = "NEARBY_TLS_CERT", value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,

    /// Private key of the certificate, in PEM
    #[arg(long, env = "NEARBY_TLS_KEY", value_name = "FILE")]
    pub tls_key: Option<PathBuf>,

    /// Certificates of those who sign callers' certificates, in PEM: with it every caller must show one
    #[arg(long, env = "NEARBY_TLS_CLIENT_CA", value_name = "FILE")]
    pub tls_client_ca: Option<PathBuf>,

    /// File of API keys, which `nearby keys` keeps: with it nobody may call without a key, a token or a certificate that
    /// is allowed. Read again when it changes
    #[arg(long, env = "NEARBY_KEYS", value_name = "FILE")]
    pub keys: Option<PathBuf>,

    /// Keys that JSON Web Tokens are signed with: a file or an https:// address of a JSON Web Key Set
    #[arg(long, env = "NEARBY_JWT_KEYS", value_name = "FILE|URL")]
    pub jwt_keys: Option<String>,

    /// Who must have issued a token
    #[arg(long, env = "NEARBY_JWT_ISSUER", value_name = "ISSUER")]
    pub jwt_issuer: Option<String>,

    /// Whom a token must be for
    #[arg(long, env = "NEARBY_JWT_AUDIENCE", value_name = "AUDIENCE")]
    pub jwt_audience: Option<String>,

    /// How a token may be signed [default: RS256,PS256,ES256,EdDSA]
    #[arg(long, env = "NEARBY_JWT_ALGORITHMS", value_name = "LIST")]
    pub jwt_algorithms: Option<String>,

    /// What the caller may do whose certificate has this name, such as spiffe://shop/indexer=manage; may be given again and
    /// again, and in the environment with `;` between
    #[arg(long, env = "NEARBY_ALLOW_CERTIFICATE", value_name = "NAME=ROLES", value_delimiter = ';')]
    pub allow_certificate: Option<Vec<String>>,

    /// Searches and merchants a second that a caller may ask for whose key says nothing of it [default: no limit]
    #[arg(long, env = "NEARBY_RATE_PER_S", value_name = "NUMBER")]
    pub rate_per_s: Option<u32>,

    /// Searches and merchants at once [default: twice the rate]
    #[arg(long, env = "NEARBY_BURST", value_name = "NUMBER")]
    pub burst: Option<u32>,

    /// Calls a second from one address, before it is known who calls [default: no limit]
    #[arg(long, env = "NEARBY_RATE_PER_ADDRESS_PER_S", value_name = "NUMBER")]
    pub rate_per_address_per_s: Option<u32>,

    /// Calls at once from one address [default: twice the rate]
    #[arg(long, env = "NEARBY_BURST_PER_ADDRESS", value_name = "NUMBER")]
    pub burst_per_address: Option<u32>,

    /// File to add a line to for each change of merchants, each import, export and backup: who, when, from where
    #[arg(long, env = "NEARBY_AUDIT_LOG", value_name = "FILE")]
    pub audit_log: Option<PathBuf>,

    /// Address and port to answer operators and their tools on, over HTTP: /live, /ready, /metrics and /log [default: none]
    #[arg(long, env = "NEARBY_OPERATIONS_LISTEN", value_name = "ADDRESS")]
    pub operations_listen: Option<String>,

    /// Collector to send spans of calls to, over OTLP with gRPC, such as http://127.0.0.1:4317 [default: none]
    #[arg(long, env = "NEARBY_OTLP_ENDPOINT", value_name = "URL")]
    pub otlp_endpoint: Option<String>,

    /// Part of the calls to trace whose callers do not say whether to, from 0 to 1 [default: 0.01]
    #[arg(long, env = "NEARBY_TRACE_RATIO", value_name = "RATIO")]
    pub trace_ratio: Option<f64>,

    /// Log searches that took longer than this, in milliseconds, without where they were [default: 100]
    #[arg(long, env = "NEARBY_SLOW_SEARCH_MS", value_name = "MS")]
    pub slow_search_ms: Option<u64>,

    /// Let others than this machine call without TLS, or without saying who they are [default: false]
    #[arg(long, env = "NEARBY_INSECURE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub insecure: Option<bool>,

    /// Most connections at a time [default: 10000, or what the limit of open files allows]
    #[arg(long, env = "NEARBY_MAX_CONNECTIONS", value_name = "NUMBER")]
    pub max_connections: Option<usize>,

    /// Most connections at a time from one address, or from one /64 of IPv6 [default: 1000]
    #[arg(long, env = "NEARBY_MAX_CONNECTIONS_PER_ADDRESS", value_name = "NUMBER")]
    pub max_connections_per_address: Option<usize>,

    /// How many connections of an address may break the rules of HTTP/2 in two seconds before it gets no new ones for the
    /// rest of them; 0 where all callers come from one address [default: 10]
    #[arg(long, env = "NEARBY_MAX_BREACHES_PER_ADDRESS", value_name = "NUMBER")]
    pub max_breaches_per_address: Option<usize>,

    /// How old a connection may become before it is asked to leave, in seconds: callers then find new servers behind a
    /// balancer [default: 3600]
    #[arg(long, env = "NEARBY_CONNECTION_AGE_S", value_name = "SECONDS")]
    pub connection_age_s: Option<u64>,

    /// File to write the address to once the server serves, for scripts that let port 0 choose; removed at the end
    #[arg(long, env = "NEARBY_ADDRESS_FILE", value_name = "FILE")]
    pub address_file: Option<PathBuf>,

    /// The farthest that anybody may search, in metres, up to 50000 [default: 5000]
    #[arg(long, env = "NEARBY_MAX_RADIUS_M", value_name = "METRES")]
    pub max_radius_m: Option<f64>,

    /// Most calls that may watch at a time [default: 1000]
    #[arg(long, env = "NEARBY_MAX_WATCHERS", value_name = "NUMBER")]
    pub max_watchers: Option<usize>,

    /// How long a watcher may leave an answer unread before it is dropped, in seconds [default: 30]
    #[arg(long, env = "NEARBY_WATCH_PATIENCE_S", value_name = "SECONDS")]
    pub watch_patience_s: Option<u64>,

    /// Answer gRPC server reflection, so that tools such as grpcurl need no proto files [default: false]
    #[arg(long, env = "NEARBY_REFLECTION", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub reflection: Option<bool>,

    /// How long calls under way may take after SIGTERM or SIGINT, in seconds [default: 10]
    #[arg(long, env = "NEARBY_SHUTDOWN_DEADLINE_S", value_name = "SECONDS")]
    pub shutdown_deadline_s: Option<u64>,

    /// Room that must stay free on the disk for changes to be taken, in MiB [default: 1024, or a tenth of the disk where
    /// that is more]
    #[arg(long, env = "NEARBY_DISK_FLOOR_MIB", value_name = "MIB")]
    pub disk_floor_mib: Option<u64>,

    /// How long the journal may become before a checkpoint takes it in, in MiB; up to four times as long where there is
    /// much to write anew [default: 256]
    #[arg(long, env = "NEARBY_JOURNAL_MIB", value_name = "MIB")]
    pub journal_mib: Option<u64>,

    /// Serve what is sound of a store that is damaged, and take no changes [default: false]
    #[arg(long, env = "NEARBY_SALVAGE", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub salvage: Option<bool>,

    /// Let debug logs say in which H3 cell of resolution 5 (250 km²) people search [default: false]
    #[arg(long, env = "NEARBY_LOG_CELLS", value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub log_cells: Option<bool>,
}

/// The checked form.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the merchants live.
    pub data_dir: PathBuf,
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where to answer operators.
    pub operations_listen: Option<SocketAddr>,
    /// Where spans of calls go.
    pub traces: Option<TraceSettings>,
    /// How long a search may take before it is told.
    pub slow_search: Option<Duration>,
    /// Changes what is logged.
    pub log: Option<LogControl>,
    /// The certificates to speak TLS with.
    pub tls: Option<TlsFiles>,
    /// What connections may do.
    pub connections: ConnectionLimits,
    /// Where to write the address that is listened on.
    pub address_file: Option<PathBuf>,
    /// The farthest that anybody may search.
    pub max_radius: Radius,
    /// How callers are known.
    pub access: AccessSettings,
    /// How often an address may call.
    pub per_address: Option<PerAddress>,
    /// Where it is written down who changed what.
    pub audit_log: Option<PathBuf>,
    /// Most calls that may watch at a time.
    pub max_watchers: usize,
    /// How long a watcher may leave an answer unread.
    pub watch_patience: Duration,
    /// Whether to answer server reflection.
    pub reflection: bool,
    /// How long calls under way may take once the server is to stop.
    pub shutdown_deadline: Duration,
    /// Whether logs may name coarse H3 cells.
    pub log_cells: bool,
    /// How much of the disk must stay free for changes to be taken.
    pub disk_floor: Floor,
    /// How long the journal may become before a checkpoint is due, in bytes.
    pub journal_bytes: u64,
    /// Whether to open a store that is damaged.
    pub salvage: bool,
    /// Hears how far the loading has come.
    pub loading: Loading,
}

/// A setting that cannot be.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the settings file {path}: {source}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file is not TOML, or has a setting that does not exist.
    #[error("the settings file {path} is wrong: {reason}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Where and why.
        reason: String,
    },
    /// A value is out of its range.
    #[error("{setting} {reason}")]
    Invalid {
        /// The flag, environment variable and key, as people know it.
        setting: &'static str,
        /// What it must be.
        reason: String,
    },
}

impl ServerArgs {
    /// What the environment says of the store, for commands that open a closed one for the while: nobody else calls them, and
    /// what a server beside them needs is not theirs.
    ///
    /// # Errors
    /// Where a variable cannot be understood.
    pub fn from_environment() -> Result<Self, clap::Error> {
        #[derive(Parser)]
        struct Environment {
            #[command(flatten)]
            args: ServerArgs,
        }
        let said = Environment::try_parse_from(["nearby"])?.args;
        Ok(Self {
            data_dir: said.data_dir,
            max_radius_m: said.max_radius_m,
            disk_floor_mib: said.disk_floor_mib,
            journal_mib: said.journal_mib,
            salvage: said.salvage,
            shutdown_deadline_s: said.shutdown_deadline_s,
            ..Self::default()
        })
    }

    /// Puts the file, if there is one, below what was said by flag or environment, and checks the whole.
    ///
    /// # Errors
    /// Where the file cannot be read or a value cannot be.
    pub fn settings(self, file: Option<&Path>) -> Result<Settings, ConfigError> {
        let file = file.map(read).transpose()?.unwrap_or_default();
        let listen = self
            .listen
            .clone()
            .or_else(|| file.listen.clone())
            .unwrap_or_else(|| "127.0.0.1:50051".to_owned());
        let listen = address(&listen, "listen (--listen, NEARBY_LISTEN)")?;
        let operations = self.operations_listen.as_ref().or(file.operations_listen.as_ref());
        let operations = operations
            .map(|text| address(text, "operations_listen (--operations-listen, NEARBY_OPERATIONS_LISTEN)"));
        let (tls, access, per_address) = (self.tls(&file)?, self.access(&file)?, self.per_address(&file)?);
        if !listen.ip().is_loopback() && !self.insecure.or(file.insecure).unwrap_or(false) {
            network::exposed(listen, tls.as_ref(), &access)?;
        }
        let connections = self.connections(&file)?;
        let traces = self.traces(&file)?;
        let max_radius_m = self.max_radius_m.or(file.max_radius_m).unwrap_or(Radius::DEFAULT.meters().get());
        let journal_mib = self.journal_mib.or(file.journal_mib).unwrap_or(256);
        if !JOURNAL_MIB.contains(&journal_mib) {
            let (least, most) = (JOURNAL_MIB.start(), JOURNAL_MIB.end());
            return Err(ConfigError::Invalid {
                setting: "journal_mib (--journal-mib, NEARBY_JOURNAL_MIB)",
                reason: format!("must be from {least} to {most}"),
            });
        }
        let deadline_s = self.shutdown_deadline_s.or(file.shutdown_deadline_s).unwrap_or(10);
        Ok(Settings {
            data_dir: self.data_dir.or(file.data_dir).unwrap_or_else(|| PathBuf::from("nearby-data")),
            listen,
            operations_listen: operations.transpose()?,
            traces,
            slow_search: Some(Duration::from_millis(
                self.slow_search_ms.or(file.slow_search_ms).unwrap_or(100),
            )),
            log: None,
            tls,
            connections,
            address_file: self.address_file.or(file.address_file),
            max_radius: Radius::new(max_radius_m).map_err(|error| ConfigError::Invalid {
                setting: "max_radius_m (--max-radius-m, NEARBY_MAX_RADIUS_M)",
                reason: error.to_string(),
            })?,
            access,
            per_address,
            audit_log: self.audit_log.or(file.audit_log),
            max_watchers: self.max_watchers.or(file.max_watchers).unwrap_or(1_000).min(MOST_WATCHERS),
            watch_patience: Duration::from_secs(
                self.watch_patience_s.or(file.watch_patience_s).unwrap_or(30),
            ),
            reflection: self.reflection.or(file.reflection).unwrap_or(false),
            shutdown_deadline: Duration::from_secs(deadline_s),
            log_cells: self.log_cells.or(file.log_cells).unwrap_or(false),
            disk_floor: (self.disk_floor_mib.or(file.disk_floor_mib))
                .map_or(Floor::Usual, |mib| Floor::Bytes(mib.saturating_mul(MEBIBYTE))),
            journal_bytes: journal_mib * MEBIBYTE,
            salvage: self.salvage.or(file.salvage).unwrap_or(false),
            loading: Loading::default(),
        })
    }
}

fn address(text: &str, setting: &'static str) -> Result<SocketAddr, ConfigError> {
    text.parse().map_err(|_| ConfigError::Invalid {
        setting,
        reason: "must be an IP address and a port, such as 127.0.0.1:50051 or [::1]:50051".to_owned(),
    })
}

impl ServerArgs {
    fn traces(&self, file: &Self) -> Result<Option<TraceSettings>, ConfigError> {
        let ratio = self.trace_ratio.or(file.trace_ratio).unwrap_or(0.01);
        if !(0.0..=1.0).contains(&ratio) {
            return Err(ConfigError::Invalid {
                setting: "trace_ratio (--trace-ratio, NEARBY_TRACE_RATIO)",
                reason: "must be from 0 to 1".to_owned(),
            });
        }
        let endpoint = self.otlp_endpoint.clone().or_else(|| file.otlp_endpoint.clone());
        let is_plain = |uri: Uri| uri.scheme_str() == Some("http") && uri.host().is_some();
        if !endpoint.iter().all(|endpoint| endpoint.parse().is_ok_and(is_plain)) {
            return Err(ConfigError::Invalid {
                setting: "otlp_endpoint (--otlp-endpoint, NEARBY_OTLP_ENDPOINT)",
                reason: "must be an http:// address with a port, such as http://127.0.0.1:4317: spans go to a collector on \
                         this machine or a trusted network"
                    .to_owned(),
            });
        }
        Ok(endpoint.map(|endpoint| TraceSettings { endpoint, ratio }))
    }
}

const MEBIBYTE: u64 = 1024 * 1024;
/// Longer than that a start would take minutes to read it.
const JOURNAL_MIB: RangeInclusive<u64> = 1..=65_536;
/// More than this no server bears, nor does a semaphore count them.
const MOST_WATCHERS: usize = 1_000_000;

fn read(path: &Path) -> Result<ServerArgs, ConfigError> {
    let unreadable = |source| ConfigError::Unreadable { path: path.to_owned(), source };
    let text = fs::read_to_string(path).map_err(unreadable)?;
    toml::from_str(&text)
        .map_err(|error| ConfigError::Malformed { path: path.to_owned(), reason: error.to_string() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_win_over_the_file_and_the_file_over_defaults() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nearby.toml");
        fs::write(&file, "listen = \"127.0.0.1:1\"\nmax_radius_m = 20000.0\nreflection = true\n").unwrap();
        let said = ServerArgs { listen: Some("[::1]:2".to_owned()), ..Default::default() };
        let settings = said.settings(Some(&file)).unwrap();
        assert_eq!(settings.listen, "[::1]:2".parse().unwrap());
        assert_eq!(settings.max_radius, Radius::new(20_000.0).unwrap());
        assert!(settings.reflection);
        assert_eq!(settings.data_dir, Path::new("nearby-data"));
    }

    #[test]
    fn what_cannot_be_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("nearby.toml");
        fs::write(&file, "max_radius = 3\n").unwrap();
        let error = ServerArgs::default().settings(Some(&file)).unwrap_err().to_string();
        assert!(error.contains("max_radius") && error.contains("nearby.toml"), "{error}");
        let error =
            ServerArgs { max_radius_m: Some(60_000.0), ..Default::default() }.settings(None).unwrap_err();
        assert!(error.to_string().contains("--max-radius-m"), "{error}");
        for wrong in ["nonsense", "https://collector:4317", "127.0.0.1:4317"] {
            let args = ServerArgs { otlp_endpoint: Some(wrong.to_owned()), ..Default::default() };
            assert!(args.settings(None).unwrap_err().to_string().contains("--otlp-endpoint"), "{wrong}");
        }
        for journal_mib in [0, 65_537] {
            let args = ServerArgs { journal_mib: Some(journal_mib), ..Default::default() };
            assert!(args.settings(None).unwrap_err().to_string().contains("--journal-mib"));
        }
        let error = ServerArgs { listen: Some("localhost".to_owned()), ..Default::default() }.settings(None);
        assert!(error.unwrap_err().to_string().contains("NEARBY_LISTEN"));
        assert!(ServerArgs::default().settings(Some(Path::new("/nowhere"))).is_err());
    }
}
