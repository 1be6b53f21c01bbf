//! Changes of the brokers, as an operator makes them: the number of copies, a new machine, a newer release.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::Scene;
use crate::{
    cluster::{
        brokers::{STREAM, config::SYSTEM_USER},
        kinds::Which,
        nats::Connection,
        network::{Member, Service},
    },
    error::Result,
};

/// Writes between two changes.
const WRITES: usize = 200;
/// Time limit for the removal of a broker.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);

pub(super) async fn change_replicas(scene: &mut Scene<'_>) -> Result<()> {
    for replicas in [1, 3] {
        let broker = scene.cluster.network.listener(Member::Broker(0), Service::Clients);
        let mut connection = Connection::open(broker).await?;
        let info = request(&mut connection, &format!("$JS.API.STREAM.INFO.{STREAM}"), &json!({})).await?;
        let mut config = info["config"].clone();
        config["num_replicas"] = replicas.into();
        request(&mut connection, &format!("$JS.API.STREAM.UPDATE.{STREAM}"), &config).await?;
        scene.note(format!("{replicas} copies"));
        scene.wait_for_copies(replicas).await?;
        scene.grow(WRITES).await?;
    }
    Ok(())
}

pub(super) async fn replace(scene: &mut Scene<'_>) -> Result<()> {
    let lost = scene.brokers(Which::Follower).await?[0];
    scene.cluster.brokers.kill(lost)?;
    scene.grow(WRITES).await?;
    let (old, new) = scene.cluster.brokers.replace(lost, &scene.cluster.network)?;
    scene.cluster.brokers.start(lost)?;
    // The log gets a copy there once the lost broker is removed.
    let leader = scene.cluster.brokers.leader().await?;
    let address = scene.cluster.network.listener(Member::Broker(leader), Service::Clients);
    let removal = json!({ "peer": old });
    let start = Instant::now();
    loop {
        // Only the leader of the brokers' metadata answers, and it removes nothing before it knows enough others.
        let mut connection = Connection::open_as(address, SYSTEM_USER).await?;
        match request(&mut connection, "$JS.API.SERVER.REMOVE", &removal).await {
            Ok(_) => break,
            Err(error) if start.elapsed() > TIMEOUT => return Err(error),
            Err(_) => tokio::time::sleep(POLL).await,
        }
    }
    scene.note(format!("{new} takes the place of {old}"));
    scene.wait_for_copies(3).await?;
    scene.grow(WRITES).await
}

pub(super) async fn upgrade(scene: &mut Scene<'_>) -> Result<()> {
    let newer = scene.cluster.nats_server.clone();
    for broker in 0..scene.cluster.brokers.count() {
        let before = scene.cluster.brokers.version(broker).await;
        scene.cluster.brokers.terminate(broker).await?;
        scene.cluster.brokers.set_binary(broker, &newer);
        scene.cluster.brokers.start(broker)?;
        scene.wait_until_replicated().await?;
        let after = scene.cluster.brokers.version(broker).await;
        if before.is_none() || after.is_none() || before == after {
            return Err(format!("the broker was not upgraded: {before:?}, then {after:?}").into());
        }
        scene.note(format!("{} → {}", before.unwrap_or_default(), after.unwrap_or_default()));
        scene.grow(WRITES).await?;
    }
    Ok(())
}

/// Sends a request whose response must contain no error.
async fn request(connection: &mut Connection, subject: &str, payload: &Value) -> Result<Value> {
    let response = connection.request(subject, payload.to_string().as_bytes()).await?;
    match response.get("error") {
        Some(error) => Err(format!("{subject}: {error}").into()),
        None => Ok(response),
    }
}
