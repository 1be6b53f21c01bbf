//! The stream's settings, and its creation.

use std::{collections::BTreeMap, time::Duration};

use async_nats::{
    ServerInfo,
    jetstream::{
        self,
        stream::{ClusterInfo, Config, DiscardPolicy, Info, RetentionPolicy, StorageType},
    },
};

use super::{JetStreamError, JetStreamSettings, connection};
use crate::{
    identity::{ClusterId, Sequence},
    log::{CLUSTER_SETTING, LogInfo},
};

/// Name under which a broker that does not satisfy the protocol's needs appears among the settings.
const BROKER_KEY: &str = "broker";
/// Maximum length of a message as brokers count it, with its headers.
const MAX_STORED_BYTES: i32 = 8 * 1024 * 1024;
/// Settings on which the protocol relies, as the brokers name them. Replicas, size and placement may change.
const FIXED_SETTINGS: [&str; 21] = [
    "allow_atomic",
    "allow_direct",
    "allow_msg_counter",
    "allow_msg_schedules",
    "allow_msg_ttl",
    "allow_rollup_hdrs",
    "deny_delete",
    "deny_purge",
    "discard",
    "max_age",
    "max_msgs",
    "max_msgs_per_subject",
    "mirror",
    "no_ack",
    "persist_mode",
    "republish",
    "retention",
    "sealed",
    "sources",
    "storage",
    "subject_transform",
];

/// Size and redundancy of a log.
#[derive(Clone, Copy, Debug)]
pub struct LogShape {
    /// Copies of the stream: 1, 3 or 5.
    pub replicas: usize,
    /// Size at which the oldest messages are discarded.
    pub max_bytes: i64,
    /// Sequence of the first message: 1, or more for a log that continues another.
    pub first: Sequence,
}

fn config(settings: &JetStreamSettings, cluster: ClusterId, shape: LogShape) -> Config {
    Config {
        name: settings.stream.clone(),
        subjects: vec![settings.commit_subject()],
        storage: StorageType::File,
        num_replicas: shape.replicas,
        retention: RetentionPolicy::Limits,
        discard: DiscardPolicy::Old,
        max_bytes: shape.max_bytes,
        max_message_size: MAX_STORED_BYTES,
        // No message ids are used.
        duplicate_window: Duration::from_millis(100),
        deny_delete: true,
        deny_purge: true,
        // Reads must come from the leader.
        allow_direct: false,
        first_sequence: (shape.first > Sequence(1)).then_some(shape.first.0),
        metadata: [(CLUSTER_SETTING.to_owned(), cluster.to_string())].into(),
        ..Config::default()
    }
}

/// Returns the settings that the log of a cluster must have.
#[must_use]
pub fn required_settings(settings: &JetStreamSettings, cluster: ClusterId) -> BTreeMap<String, String> {
    let shape = LogShape { replicas: 1, max_bytes: -1, first: Sequence(1) };
    let mut required = settings_of(&config(settings, cluster, shape));
    required.insert(BROKER_KEY.to_owned(), String::new());
    required
}

/// The settings of a stream on which the protocol relies. Those that a broker leaves out have their default.
fn settings_of(config: &Config) -> BTreeMap<String, String> {
    let json = serde_json::to_value(config).unwrap_or_default();
    let is_default = |value: &serde_json::Value| {
        value.is_null() || *value == false || *value == 0 || *value == -1 || *value == "default"
    };
    let shown = |name: &str| match json.get(name) {
        Some(serde_json::Value::String(text)) if text != "default" => text.clone(),
        Some(value) if !is_default(value) => value.to_string(),
        _ => String::new(),
    };
    let fixed = FIXED_SETTINGS.iter().map(|name| ((*name).to_owned(), shown(name)));
    let cluster = config.metadata.get(CLUSTER_SETTING).cloned().unwrap_or_default();
    let others = [("subjects", config.subjects.join(" ")), (CLUSTER_SETTING, cluster)];
    fixed.chain(others.map(|(name, value)| (name.to_owned(), value))).collect()
}

/// The state of a stream. Without a leader, any member answers, however old its copy.
pub(super) fn log_info(info: &Info, broker: &ServerInfo, allow_older: bool) -> LogInfo {
    let cluster = info.cluster.as_ref();
    let has_leader = |cluster: &ClusterInfo| cluster.leader.as_ref().is_some_and(|name| !name.is_empty());
    let mut settings = settings_of(&info.config);
    let problem = connection::check_broker(broker, allow_older).err().map(|error| error.to_string());
    settings.insert(BROKER_KEY.to_owned(), problem.unwrap_or_default());
    let lagging = cluster.into_iter().flat_map(|cluster| &cluster.replicas);
    LogInfo {
        is_authoritative: cluster.is_none_or(has_leader),
        first: Sequence(info.state.first_sequence.max(1)),
        last: Sequence(info.state.last_sequence),
        incarnation: u64::try_from(info.created.unix_timestamp_nanos()).unwrap_or_default(),
        settings,
        leader: cluster
            .and_then(|cluster| cluster.leader.clone())
            .unwrap_or_else(|| broker.server_name.clone()),
        lagging: lagging.filter(|peer| !peer.current).map(|peer| peer.name.clone()).collect(),
    }
}

/// Returns the cluster of a stream, if its metadata names one.
pub(super) fn cluster_of(config: &Config) -> Option<ClusterId> {
    ClusterId::parse(config.metadata.get(CLUSTER_SETTING)?)
}

/// The remedy for a stream that does not fit.
fn remedy(error: &str, shape: LogShape) -> String {
    let gib = shape.max_bytes >> 30;
    if error.contains("10005") || error.contains("10047") {
        return format!(
            "; each broker must be able to store {gib} GiB: set --max-gib, or more space for JetStream"
        );
    }
    if error.contains("10074") {
        return "; a single broker has one copy: set --replicas 1".to_owned();
    }
    String::new()
}

/// Creates a stream, or verifies one that exists.
pub(super) async fn create(
    context: &jetstream::Context,
    settings: &JetStreamSettings,
    cluster: ClusterId,
    shape: LogShape,
) -> Result<(), JetStreamError> {
    let failed = |reason: String| JetStreamError::Create { stream: settings.stream.clone(), reason };
    let wanted = config(settings, cluster, shape);
    let stream = context.get_or_create_stream(wanted).await;
    let stream = stream.map_err(|error| failed(format!("{error}{}", remedy(&error.to_string(), shape))))?;
    // The broker was checked when it was connected.
    let (found, required) =
        (settings_of(&stream.cached_info().config), settings_of(&config(settings, cluster, shape)));
    match required.iter().find(|(name, value)| found.get(*name) != Some(value)) {
        None => Ok(()),
        Some((name, value)) => {
            let found = found.get(name).cloned().unwrap_or_default();
            Err(failed(format!("it exists, and its setting {name} is {found:?} instead of {value:?}")))
        }
    }
}
