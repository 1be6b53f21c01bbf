//! Settings of connections, and of what lets others than this machine call.

use std::{fs, net::SocketAddr, path::PathBuf, time::Duration};

use super::{ConfigError, ServerArgs};
use crate::{
    auth::AccessSettings,
    net::{ConnectionLimits, TlsFiles},
};

const MOST_AGE: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Whether a server may be called from other machines as it is.
pub(super) fn exposed(
    listen: SocketAddr,
    tls: Option<&TlsFiles>,
    access: &AccessSettings,
) -> Result<(), ConfigError> {
    let missing = match tls {
        None => {
            "give a certificate (--tls-cert and --tls-key), or say --insecure where something before this server speaks TLS"
        }
        Some(tls) if tls.client_ca.is_none() && !access.is_any() => {
            "say how callers are known (--keys, --jwt-keys or --tls-client-ca), or say --insecure where everybody may do \
             everything"
        }
        Some(_) => return Ok(()),
    };
    Err(ConfigError::Invalid {
        setting: "listen (--listen, NEARBY_LISTEN)",
        reason: format!("{listen} can be called from other machines: {missing}"),
    })
}

impl ServerArgs {
    pub(super) fn tls(&self, file: &Self) -> Result<Option<TlsFiles>, ConfigError> {
        let said = |flag: &Option<PathBuf>, file: &Option<PathBuf>| flag.clone().or_else(|| file.clone());
        let client_ca = said(&self.tls_client_ca, &file.tls_client_ca);
        match (said(&self.tls_cert, &file.tls_cert), said(&self.tls_key, &file.tls_key)) {
            (Some(certificate), Some(key)) => Ok(Some(TlsFiles { certificate, key, client_ca })),
            (None, None) if client_ca.is_none() => Ok(None),
            _ => Err(ConfigError::Invalid {
                setting: "tls_cert (--tls-cert, NEARBY_TLS_CERT)",
                reason:
                    "and tls_key (--tls-key, NEARBY_TLS_KEY) are needed both, for TLS as for --tls-client-ca"
                        .to_owned(),
            }),
        }
    }

    pub(super) fn connections(&self, file: &Self) -> Result<ConnectionLimits, ConfigError> {
        let usual = ConnectionLimits::default();
        let age_s = self.connection_age_s.or(file.connection_age_s);
        let limits = ConnectionLimits {
            most: self.max_connections.or(file.max_connections).unwrap_or(usual.most).min(most_files()),
            most_an_address: (self.max_connections_per_address)
                .or(file.max_connections_per_address)
                .unwrap_or(usual.most_an_address),
            most_breaches: (self.max_breaches_per_address)
                .or(file.max_breaches_per_address)
                .unwrap_or(usual.most_breaches),
            age: age_s.map_or(usual.age, Duration::from_secs),
            idle: usual.idle,
        };
        let some = |number: usize, setting| match number {
            0 => Err(ConfigError::Invalid { setting, reason: "must be above 0".to_owned() }),
            _ => Ok(()),
        };
        some(limits.most, "max_connections (--max-connections, NEARBY_MAX_CONNECTIONS)")?;
        some(
            limits.most_an_address,
            "max_connections_per_address (--max-connections-per-address, NEARBY_MAX_CONNECTIONS_PER_ADDRESS)",
        )?;
        if limits.age.is_zero() || limits.age > MOST_AGE {
            return Err(ConfigError::Invalid {
                setting: "connection_age_s (--connection-age-s, NEARBY_CONNECTION_AGE_S)",
                reason: format!("must be from 1 to {}, a year", MOST_AGE.as_secs()),
            });
        }
        Ok(limits)
    }
}

/// How many connections the system's limit of open files allows, with some left for the store.
fn most_files() -> usize {
    const FOR_OTHERS: usize = 100;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
    let soft = line.and_then(|line| line.split_whitespace().next()?.parse::<usize>().ok());
    soft.map_or(usize::MAX, |files| files.saturating_sub(FOR_OTHERS).max(1))
}
