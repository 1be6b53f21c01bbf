//! The connection to the brokers.

use std::time::Duration;

use async_nats::{ConnectOptions, Event, ServerAddr, ServerInfo};

use super::{Events, JetStreamError, JetStreamSettings, TlsFiles};
use crate::{log::LogEvent, message::MAX_MESSAGE_BYTES};

/// Interval of pings: a broker that hangs is noticed after two.
const PING_INTERVAL: Duration = Duration::from_secs(2);
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);
/// Pause before the first attempt to reconnect; twice as much each time.
const MIN_RECONNECT_DELAY_MS: u64 = 50;
const MAX_RECONNECT_DOUBLINGS: usize = 5;
/// Bytes of headers that a broker accepts with a message.
const HEADER_BYTES: usize = 1_024;
/// Oldest supported broker: the release on which the protocol was measured.
const MIN_BROKER: [u64; 3] = [2, 15, 1];

pub(super) fn addresses(settings: &JetStreamSettings) -> Result<Vec<ServerAddr>, JetStreamError> {
    let is_token = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if settings.stream.is_empty() || !settings.stream.chars().all(is_token) {
        let stream = &settings.stream;
        return Err(JetStreamError::Settings(format!(
            "{stream:?} is no name of a stream: use letters, digits, - and _"
        )));
    }
    if settings.servers.is_empty() {
        return Err(JetStreamError::Settings("there is no broker address".to_owned()));
    }
    let parse = |address: &String| {
        address.parse().map_err(|error| JetStreamError::Settings(format!("{address}: {error}")))
    };
    settings.servers.iter().map(parse).collect()
}

/// Options of the connection. With `events`, connections are retried without end, and each is reported.
pub(super) fn options(
    settings: &JetStreamSettings,
    events: Option<Events>,
) -> Result<ConnectOptions, JetStreamError> {
    let mut options = settings.nkey_seed.clone().map_or_else(ConnectOptions::new, ConnectOptions::with_nkey);
    if let Some(TlsFiles { authorities, certificate }) = &settings.tls {
        options = options.require_tls(true).add_root_certificates(authorities.clone());
        if let Some((certificate, key)) = certificate {
            options = options.add_client_certificate(certificate.clone(), key.clone());
        }
    }
    options = options
        .name(&settings.node)
        .custom_inbox_prefix(format!("_INBOX.{}", settings.node))
        .ping_interval(PING_INTERVAL)
        .connection_timeout(CONNECT_TIMEOUT)
        .request_timeout(Some(REQUEST_TIMEOUT));
    let Some(events) = events else { return Ok(options) };
    let callback = move |event: Event| {
        let events = events.clone();
        async move {
            match event {
                Event::Connected => {
                    // If the queue is full, the protocol notices that deliveries have stopped.
                    drop(events.try_send(LogEvent::Reconnected));
                    tracing::info!("connected to a broker");
                }
                // Authentication and permission errors are reported here only; requests time out.
                Event::ServerError(error) => tracing::warn!(%error, "a broker reports an error"),
                Event::ClientError(error) => tracing::warn!(%error, "the connection to a broker failed"),
                event => tracing::info!(%event, "connection to a broker changed"),
            }
        }
    };
    Ok(options
        .retry_on_initial_connect()
        .max_reconnects(None)
        .reconnect_delay_callback(|tries| {
            Duration::from_millis(MIN_RECONNECT_DELAY_MS << tries.min(MAX_RECONNECT_DOUBLINGS))
        })
        .event_callback(callback))
}

/// Checks the release and the limits of a broker.
pub(super) fn check_broker(info: &ServerInfo, allow_older: bool) -> Result<(), JetStreamError> {
    let broker = |problem| Err(JetStreamError::Broker { name: info.server_name.clone(), problem });
    let version: Vec<u64> =
        info.version.split(['.', '-']).map_while(|part| part.parse().ok()).take(3).collect();
    if version.as_slice() < MIN_BROKER.as_slice() && !allow_older {
        let [major, minor, patch] = MIN_BROKER;
        return broker(format!("has version {}; use {major}.{minor}.{patch} or newer", info.version));
    }
    if info.max_payload < MAX_MESSAGE_BYTES + HEADER_BYTES {
        return broker(format!("accepts messages of {} bytes; set `max_payload: 8MB`", info.max_payload));
    }
    if info.jetstream { Ok(()) } else { broker("has no JetStream; enable it".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::NodeName;

    fn settings(servers: &[&str], stream: &str) -> JetStreamSettings {
        JetStreamSettings {
            servers: servers.iter().map(|server| (*server).to_owned()).collect(),
            stream: stream.to_owned(),
            node: NodeName::parse("a").unwrap(),
            nkey_seed: Some("SECRET".to_owned()),
            tls: None,
            allow_older_brokers: false,
        }
    }

    #[test]
    fn settings_are_checked_before_anything_connects() {
        let good = settings(&["nats://127.0.0.1:4222", "tls://broker"], "NEARBY");
        assert_eq!(addresses(&good).unwrap().len(), 2);
        for (servers, stream) in
            [(&[][..], "NEARBY"), (&["nats://a:b"], "NEARBY"), (&["a"], "A.B"), (&["a"], "")]
        {
            let error = addresses(&settings(servers, stream)).unwrap_err();
            assert!(matches!(error, JetStreamError::Settings(_)), "{error}");
        }
        assert!(!format!("{good:?}").contains("SECRET"));
    }

    #[test]
    fn brokers_are_checked_for_release_and_limits() {
        let check = |version: &str, max_payload, jetstream, allow_older| {
            let (version, server_name) = (version.to_owned(), "n1".to_owned());
            let info = ServerInfo { version, server_name, max_payload, jetstream, ..ServerInfo::default() };
            check_broker(&info, allow_older).map_err(|error| error.to_string())
        };
        let broker = |version: &str, max_payload, jetstream| check(version, max_payload, jetstream, false);
        for version in ["2.15.1", "2.15.2", "2.16.0-RC.1", "3.0.0"] {
            assert_eq!(broker(version, 8 << 20, true), Ok(()), "{version}");
        }
        for version in ["2.15.0", "2.14.6", "1.99.99", "", "x"] {
            assert!(broker(version, 8 << 20, true).unwrap_err().contains("2.15.1"), "{version}");
        }
        assert_eq!(check("2.14.6", 8 << 20, true, true), Ok(()));
        assert!(broker("2.15.1", 1 << 20, true).unwrap_err().contains("max_payload"));
        assert!(broker("2.15.1", 8 << 20, false).unwrap_err().contains("JetStream"));
    }
}
