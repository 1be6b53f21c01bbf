//! Messages on the subject of commits that are no commits of this cluster.
//!
//! A message with the cluster's id and a wrong checksum is left out: nodes must stop at it, because they cannot distinguish it from
//! a damaged commit. Only a client that is allowed to publish commits can send one.

use rand::{Rng, RngExt};

use super::scene::Scene;
use crate::{
    cluster::{
        brokers::STREAM,
        nats::Connection,
        network::{Member, Service},
    },
    error::Result,
};

const MESSAGES: u64 = 60;
/// Bytes of the cluster's id in a message.
const CLUSTER_ID: std::ops::Range<usize> = 8..24;

/// Returns the subject of commits.
fn subject() -> String {
    format!("{}.log", STREAM.to_lowercase())
}

pub(super) async fn stray_messages(scene: &mut Scene<'_>) -> Result<()> {
    let broker = scene.cluster.brokers.leader().await?;
    let address = scene.cluster.network.listener(Member::Broker(broker), Service::Clients);
    let mut connection = Connection::open(address).await?;
    let mut last = 1;
    for number in 0..MESSAGES {
        let message = match number % 4 {
            0 => Vec::new(),
            1 => {
                let mut bytes = vec![0; scene.rng.random_range(1..3_000)];
                scene.rng.fill_bytes(&mut bytes);
                bytes
            }
            // A commit once more, which was decided on an older state.
            2 => stored(scene, &mut connection, last).await?,
            // A commit of another cluster.
            _ => {
                let mut bytes = stored(scene, &mut connection, last).await?;
                if let Some(id) = bytes.get_mut(CLUSTER_ID) {
                    scene.rng.fill_bytes(id);
                }
                bytes
            }
        };
        if scene.rng.random_bool(0.5) {
            connection.publish(&subject(), &message).await?;
        } else {
            let response = connection.request(&subject(), &message).await?;
            last = response["seq"].as_u64().unwrap_or(last);
        }
        scene.pause_between((5, 80)).await;
    }
    scene.note(format!("{MESSAGES} messages up to sequence {last}"));
    Ok(())
}

/// Returns a random message of the stream.
async fn stored(scene: &mut Scene<'_>, connection: &mut Connection, last: u64) -> Result<Vec<u8>> {
    let sequence = scene.rng.random_range(1..=last);
    Ok(connection.message(STREAM, sequence).await?.unwrap_or_default())
}
