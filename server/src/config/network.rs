//! Settings of connections and TLS, and the check of a server that other machines can call.

use std::{fs, net::SocketAddr, time::Duration};

use super::{ConfigError, ServerArgs, Setting};
use crate::{
    auth::AuthSettings,
    net::{limits::ConnectionLimits, tls::TlsFiles},
};

const MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Checks that a server which other machines can call has TLS and authentication.
pub(super) fn check_exposed(
    listen: SocketAddr,
    tls: Option<&TlsFiles>,
    auth: &AuthSettings,
) -> Result<(), ConfigError> {
    let remedy = match tls {
        None => {
            "set a certificate (--tls-cert and --tls-key), or --insecure if a proxy in front terminates TLS"
        }
        Some(tls) if tls.client_ca.is_none() && !auth.is_enabled() => {
            "enable authentication (--keys, --jwt-keys or --tls-client-ca), or set --insecure to allow any client any method"
        }
        Some(_) => return Ok(()),
    };
    Err(Setting("listen").invalid(format!("{listen} is reachable from other machines: {remedy}")))
}

impl ServerArgs {
    pub(super) fn tls(&self) -> Result<Option<TlsFiles>, ConfigError> {
        match (&self.tls_cert, &self.tls_key) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles {
                certificate: certificate.clone(),
                key: key.clone(),
                client_ca: self.tls_client_ca.clone(),
            })),
            (None, None) if self.tls_client_ca.is_none() => Ok(None),
            _ => Err(Setting("tls_cert").invalid(format!(
                "and {} are both required, for TLS as well as for --tls-client-ca",
                Setting("tls_key")
            ))),
        }
    }

    pub(super) fn connections(&self) -> Result<ConnectionLimits, ConfigError> {
        let limits = ConnectionLimits {
            max_connections: self.max_connections().min(max_open_connections()),
            max_per_ip: self.max_connections_per_ip(),
            max_protocol_errors_per_ip: self.max_protocol_errors_per_ip(),
            max_age: Duration::from_secs(self.max_connection_age_s()),
            ..ConnectionLimits::default()
        };
        for (number, setting) in [
            (limits.max_connections, Setting("max_connections")),
            (limits.max_per_ip, Setting("max_connections_per_ip")),
        ] {
            if number == 0 {
                return Err(setting.invalid("must be above 0"));
            }
        }
        if limits.max_age.is_zero() || limits.max_age > MAX_AGE {
            return Err(Setting("max_connection_age_s")
                .invalid(format!("must be between 1 and {}, a year", MAX_AGE.as_secs())));
        }
        Ok(limits)
    }
}

/// Connections that the limit of open files allows, with a reserve for the store.
fn max_open_connections() -> usize {
    const RESERVED_FILES: usize = 100;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft_limit = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft_limit.map_or(usize::MAX, |files| files.saturating_sub(RESERVED_FILES).max(1))
}
