//! The brokers, as their monitoring endpoints describe them: only these tell whether a broker syncs each message.

use std::time::Duration;

use serde::Deserialize;
use tokio::{task::JoinSet, time::interval};

use crate::http_client;

/// Interval of requests.
const INTERVAL: Duration = Duration::from_secs(10);
const TIMEOUT: Duration = Duration::from_secs(2);
/// A description has about 3 KB.
const MAX_BYTES: usize = 256 * 1024;

/// A broker.
#[derive(Clone, Debug)]
pub struct Broker {
    /// Address of its monitoring endpoint.
    pub monitor: String,
    /// Its description, or the reason that there is none.
    pub found: Result<BrokerInfo, String>,
}

/// Description of a broker.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BrokerInfo {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// True if it syncs each message before it acknowledges it.
    pub syncs: bool,
}

/// The part of `/varz` that matters here. `sync_interval` says 2 minutes whatever is set.
#[derive(Deserialize)]
struct Varz {
    server_name: String,
    version: String,
    #[serde(default)]
    jetstream: VarzJetStream,
}

#[derive(Default, Deserialize)]
struct VarzJetStream {
    #[serde(default)]
    config: VarzConfig,
}

#[derive(Default, Deserialize)]
struct VarzConfig {
    #[serde(default)]
    sync_always: bool,
}

/// Asks the brokers, once.
pub async fn ask(monitors: &[String]) -> Vec<Broker> {
    let mut asking = JoinSet::new();
    for (at, monitor) in monitors.iter().cloned().enumerate() {
        asking.spawn(async move {
            let url = format!("{}/varz", monitor.trim_end_matches('/'));
            let text = http_client::get_text(&url, TIMEOUT, MAX_BYTES).await;
            (at, Broker { monitor, found: text.and_then(|text| read(&text)) })
        });
    }
    let mut brokers = asking.join_all().await;
    brokers.sort_by_key(|(at, _)| *at);
    brokers.into_iter().map(|(_, broker)| broker).collect()
}

/// Asks the brokers without end, and warns of each that is not confirmed to sync.
pub(crate) async fn watch(monitors: Vec<String>, publish: impl Fn(Vec<Broker>)) {
    let mut before = Vec::new();
    let mut ticks = interval(INTERVAL);
    loop {
        ticks.tick().await;
        let brokers = ask(&monitors).await;
        for broker in &brokers {
            let unsynced = |broker: &Broker| matches!(&broker.found, Ok(info) if !info.syncs);
            let was_unsynced =
                before.iter().any(|old: &Broker| old.monitor == broker.monitor && unsynced(old));
            if unsynced(broker) && !was_unsynced {
                let monitor = &broker.monitor;
                tracing::error!(monitor, "a broker does not sync each message: set `sync_interval: always`");
            }
        }
        publish(brokers.clone());
        before = brokers;
    }
}

fn read(text: &str) -> Result<BrokerInfo, String> {
    let varz: Varz =
        serde_json::from_str(text).map_err(|_| "the answer is not that of a NATS broker".to_owned())?;
    let Varz { server_name: name, version, jetstream } = varz;
    Ok(BrokerInfo { name, version, syncs: jetstream.config.sync_always })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_confirmed_to_sync_only_if_it_says_so() {
        let varz = |jetstream: &str| {
            read(&format!(r#"{{"server_name": "n1", "version": "2.15.1", "port": 4222 {jetstream}}}"#))
                .unwrap()
        };
        let confirmed =
            varz(r#", "jetstream": {"config": {"sync_interval": 120000000000, "sync_always": true}}"#);
        assert_eq!(confirmed, BrokerInfo { name: "n1".into(), version: "2.15.1".into(), syncs: true });
        for other in ["", r#", "jetstream": {}"#, r#", "jetstream": {"config": {"sync_interval": 1}}"#] {
            assert!(!varz(other).syncs, "{other}");
        }
        assert!(read("<html>").is_err());
    }

    #[tokio::test]
    async fn a_broker_that_does_not_answer_has_an_error() {
        let brokers = ask(&["http://127.0.0.1:1".to_owned(), "nonsense".to_owned()]).await;
        assert_eq!(brokers.len(), 2);
        assert!(brokers.iter().all(|broker| broker.found.is_err()));
        assert_eq!(brokers[0].monitor, "http://127.0.0.1:1");
    }
}
