//! Settings of connections and TLS, and the check of a server that other machines can call.

use std::{
    fs,
    net::{SocketAddr, ToSocketAddrs},
    time::Duration,
};

use super::{ConfigError, ServerArgs, Setting};
use crate::{
    auth::AuthSettings,
    net::{limits::ConnectionLimits, tls::TlsFiles},
};

const MAX_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Parses an address, or resolves a host name: to its first IPv4 address, or to its first address if it has none.
///
/// One address, because a server has one port 0, one address file and one ban per client. IPv4 first, as in Go's `net.Listen`:
/// clients that try the addresses of `localhost` in turn reach 127.0.0.1 on every machine, and ::1 not on those without IPv6.
pub(super) fn address(text: &str, setting: Setting) -> Result<SocketAddr, ConfigError> {
    if let Ok(address) = text.parse() {
        return Ok(address);
    }
    let host_and_port =
        text.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse::<u16>().ok()?)));
    let Some((host, port)) =
        host_and_port.filter(|(host, _)| !host.is_empty() && !host.contains([':', '/', '[']))
    else {
        return Err(setting.invalid(
            "must be an IP address or a host name, and a port, such as 127.0.0.1:50051, [::1]:50051 or localhost:50051",
        ));
    };
    let unresolved = |reason: String| {
        setting.invalid(format!(
            "names a host that cannot be resolved, {host}: {reason}; use an IP address, or add the name to the hosts file or DNS"
        ))
    };
    let addresses: Vec<SocketAddr> =
        (host, port).to_socket_addrs().map_err(|error| unresolved(error.to_string()))?.collect();
    let ipv4 = addresses.iter().find(|address| address.is_ipv4());
    ipv4.or(addresses.first()).copied().ok_or_else(|| unresolved("it has no address".to_owned()))
}

/// Checks that a server which other machines can call has TLS and authentication.
pub(super) fn check_exposed(
    (listen, setting): (SocketAddr, Setting),
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
    Err(setting.invalid(format!("{listen} is reachable from other machines: {remedy}")))
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
            max_unread_bytes: self.max_unread_mib().saturating_mul(1024 * 1024),
            ..ConnectionLimits::default()
        };
        for (number, setting) in [
            (limits.max_unread_bytes, Setting("max_unread_mib")),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_literal_or_resolved() {
        let of = |text: &str| address(text, Setting("listen"));
        assert_eq!(of("[::1]:2").unwrap(), "[::1]:2".parse().unwrap());
        let localhost = of("localhost:50051").unwrap();
        assert!(localhost.ip().is_loopback() && localhost.port() == 50_051, "{localhost}");
        assert_eq!(of("127.0.0.1:0").unwrap(), "127.0.0.1:0".parse().unwrap());
        for invalid in [
            "",
            "localhost",
            ":50051",
            "localhost:port",
            "localhost:65536",
            "::1:50051",
            "http://localhost:1",
            "[::1",
        ] {
            let error = of(invalid).unwrap_err().to_string();
            assert!(error.contains("--listen") && error.contains("or localhost:50051"), "{invalid}: {error}");
        }
        let error = of("no-such-host.invalid:50051").unwrap_err().to_string();
        assert!(error.contains("cannot be resolved, no-such-host.invalid: "), "{error}");
        assert!(error.ends_with("or add the name to the hosts file or DNS"), "{error}");
    }
}
