//! Requests to the brokers' monitors, over HTTP.

use std::{collections::BTreeMap, net::SocketAddrV4, time::Duration};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::config::number_of;

/// Time limit of a request. A broker that is busy or suspended does not answer.
const TIMEOUT: Duration = Duration::from_secs(1);

/// The state of the stream, as one broker sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct StreamState {
    /// The leader, by its number.
    pub(crate) leader: Option<usize>,
    /// Last sequence.
    pub(crate) last: u64,
    /// Copies that are not current, by the number of their broker, if this broker is the leader.
    pub(crate) lagging: Vec<usize>,
    /// Number of copies, with the leader's, and number of those that are current. A broker may not know the name of another one yet.
    pub(crate) copies: usize,
    pub(crate) current_copies: usize,
}

#[derive(Deserialize)]
struct Varz {
    version: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Jsz {
    account_details: Vec<Account>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Account {
    stream_detail: Vec<Stream>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Stream {
    name: String,
    /// Absent if there is one broker only.
    cluster: Option<Cluster>,
    state: State,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Cluster {
    leader: String,
    replicas: Vec<Replica>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Replica {
    name: String,
    current: bool,
    offline: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct State {
    last_seq: u64,
}

/// Returns `true` if a broker says that it is healthy: JetStream is running and its streams are current.
pub(super) async fn is_healthy(monitor: SocketAddrV4) -> bool {
    let Some(body) = get(monitor, "/healthz").await else { return false };
    serde_json::from_slice::<serde_json::Value>(&body).is_ok_and(|json| json["status"] == "ok")
}

/// Returns the release of a broker; `None` if it does not answer.
pub(super) async fn version(monitor: SocketAddrV4) -> Option<String> {
    let varz: Varz = serde_json::from_slice(&get(monitor, "/varz").await?).ok()?;
    Some(varz.version)
}

/// Returns the state of the stream; `None` if the broker does not answer or has no such stream.
pub(super) async fn stream_state(monitor: SocketAddrV4, stream: &str) -> Option<StreamState> {
    parse(&get(monitor, "/jsz?streams=true&config=false").await?, stream)
}

fn parse(body: &[u8], stream: &str) -> Option<StreamState> {
    let jsz: Jsz = serde_json::from_slice(body).ok()?;
    let mut streams = jsz.account_details.into_iter().flat_map(|account| account.stream_detail);
    let found = streams.find(|found| found.name == stream)?;
    let Some(cluster) = found.cluster else {
        let last = found.state.last_seq;
        return Some(StreamState {
            leader: Some(0),
            last,
            lagging: Vec::new(),
            copies: 1,
            current_copies: 1,
        });
    };
    let copies = cluster.replicas.len() + 1;
    let lagging: Vec<&Replica> =
        cluster.replicas.iter().filter(|replica| !replica.current || replica.offline).collect();
    Some(StreamState {
        leader: number_of(&cluster.leader),
        last: found.state.last_seq,
        copies,
        current_copies: copies - lagging.len(),
        lagging: lagging.into_iter().filter_map(|replica| number_of(&replica.name)).collect(),
    })
}

/// Returns the leader that the most of all brokers name, if it names itself.
pub(super) fn elected(states: &BTreeMap<usize, StreamState>, brokers: usize) -> Option<usize> {
    let candidates = states.values().filter_map(|state| state.leader);
    candidates.into_iter().find(|leader| {
        let votes = states.values().filter(|state| state.leader == Some(*leader)).count();
        votes > brokers / 2 && states.get(leader).is_some_and(|own| own.leader == Some(*leader))
    })
}

/// Sends a GET request; returns the body of a response, whatever its status.
async fn get(monitor: SocketAddrV4, path: &str) -> Option<Vec<u8>> {
    let exchange = async {
        let mut stream = TcpStream::connect(monitor).await.ok()?;
        // A response to HTTP/1.0 is not chunked and ends with the connection.
        let request = format!("GET {path} HTTP/1.0\r\nHost: {monitor}\r\n\r\n");
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut response = Vec::new();
        stream.read_to_end(&mut response).await.ok()?;
        let head = response.windows(4).position(|window| window == b"\r\n\r\n")?;
        Some(response.split_off(head + 4))
    };
    tokio::time::timeout(TIMEOUT, exchange).await.ok()?
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn state(leader: Option<usize>) -> StreamState {
        StreamState { leader, ..StreamState::default() }
    }

    #[test]
    fn a_leader_needs_a_majority_and_itself() {
        for (leaders, expected) in [
            ([Some(0), Some(0), Some(0)], Some(0)),
            ([Some(1), Some(1), Some(0)], Some(1)),
            ([Some(1), Some(0), Some(1)], None),
            ([Some(2), None, Some(2)], Some(2)),
            ([None, None, None], None),
            ([Some(0), Some(1), Some(2)], None),
        ] {
            let states = leaders.into_iter().map(state).enumerate().collect();
            assert_eq!(elected(&states, 3), expected, "{leaders:?}");
        }
        let two = BTreeMap::from([(0, state(Some(0))), (2, state(Some(0)))]);
        assert_eq!(elected(&two, 3), Some(0));
        assert_eq!(elected(&BTreeMap::from([(0, state(Some(0)))]), 3), None);
        assert_eq!(elected(&BTreeMap::from([(0, state(Some(0)))]), 1), Some(0));
    }

    #[test]
    fn the_state_of_the_stream_is_read_from_the_monitor() {
        let body = br#"{"account_details": [{"stream_detail": [
            {"name": "OTHER"},
            {"name": "NEARBY", "cluster": {"leader": "broker-3", "replicas": [
                {"name": "broker-1", "current": true}, {"name": "broker-2", "current": false}]},
             "state": {"last_seq": 42}}]}]}"#;
        let expected =
            StreamState { leader: Some(2), last: 42, lagging: vec![1], copies: 3, current_copies: 2 };
        assert_eq!(parse(body, "NEARBY"), Some(expected));
        assert_eq!(parse(body, "NONE"), None);
        let alone =
            br#"{"account_details": [{"stream_detail": [{"name": "NEARBY", "state": {"last_seq": 7}}]}]}"#;
        assert_eq!(parse(alone, "NEARBY").unwrap().leader, Some(0));
    }
}
