//! Faults of processes: kills, hangs and restarts.

use rand::seq::SliceRandom;

use super::scene::Scene;
use crate::{cluster::kinds::Which, error::Result};

/// Pause between the restarts of nodes.
const BETWEEN_RESTARTS_MS: u64 = 500;

pub(super) async fn kill_brokers(scene: &mut Scene<'_>, which: Which, down_ms: (u64, u64)) -> Result<()> {
    let brokers = scene.brokers(which).await?;
    scene.kill_brokers(&brokers)?;
    scene.pause_between(down_ms).await;
    scene.start_brokers(&brokers)
}

pub(super) async fn suspend_brokers(scene: &mut Scene<'_>, which: Which, for_ms: u64) -> Result<()> {
    let brokers = scene.brokers(which).await?;
    brokers.iter().try_for_each(|broker| scene.cluster.brokers.suspend(*broker))?;
    scene.pause(for_ms).await;
    brokers.iter().try_for_each(|broker| scene.cluster.brokers.resume(*broker))
}

/// The times are those of elections: four seconds without followers do not depose a leader, and twelve suffice for an election.
pub(super) async fn swap_suspended(scene: &mut Scene<'_>) -> Result<()> {
    let leader = scene.brokers(Which::Leader).await?[0];
    let others = scene.cluster.brokers.others(leader);
    others.iter().try_for_each(|broker| scene.cluster.brokers.suspend(*broker))?;
    scene.pause(4_000).await;
    scene.cluster.brokers.suspend(leader)?;
    others.iter().try_for_each(|broker| scene.cluster.brokers.resume(*broker))?;
    scene.pause(12_000).await;
    scene.cluster.brokers.resume(leader)
}

pub(super) async fn kill_beside_suspended(scene: &mut Scene<'_>) -> Result<()> {
    let mut all: Vec<usize> = (0..scene.cluster.brokers.count()).collect();
    all.shuffle(scene.rng);
    let [killed, first, second] = all[..] else { return Err("three brokers are needed".into()) };
    scene.note(format!("killed {killed}, suspended {first}, then {second} (from 0)"));
    scene.cluster.brokers.suspend(first)?;
    scene.pause(2_000).await;
    scene.cluster.brokers.kill(killed)?;
    scene.pause(1_000).await;
    scene.cluster.brokers.start(killed)?;
    scene.cluster.brokers.resume(first)?;
    scene.cluster.brokers.suspend(second)?;
    scene.pause(12_000).await;
    scene.cluster.brokers.resume(second)
}

pub(super) async fn kill_nodes(scene: &mut Scene<'_>, times: u64) -> Result<()> {
    for _ in 0..times {
        let node = scene.any_node();
        scene.note(format!("node-{}", node + 1));
        scene.cluster.nodes.kill(node)?;
        scene.pause_between((200, 1_500)).await;
        scene.cluster.nodes.start(node).await?;
        scene.pause_between((300, 1_000)).await;
    }
    Ok(())
}

pub(super) async fn suspend_node(scene: &mut Scene<'_>, for_ms: u64) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{}", node + 1));
    scene.cluster.nodes.suspend(node)?;
    scene.pause(for_ms).await;
    scene.cluster.nodes.resume(node)
}

pub(super) async fn kill_node_and_leader(scene: &mut Scene<'_>) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{}", node + 1));
    scene.cluster.nodes.kill(node)?;
    kill_brokers(scene, Which::Leader, (2_000, 6_000)).await?;
    scene.cluster.nodes.start(node).await
}

pub(super) async fn kill_everything(scene: &mut Scene<'_>) -> Result<()> {
    let brokers = scene.brokers(Which::All).await?;
    scene.kill_brokers(&brokers)?;
    for node in 0..scene.cluster.nodes.count() {
        scene.cluster.nodes.kill(node)?;
    }
    scene.pause(1_000).await;
    scene.start_brokers(&brokers)?;
    scene.cluster.nodes.start_all().await
}

pub(super) async fn roll_brokers(scene: &mut Scene<'_>) -> Result<()> {
    for broker in 0..scene.cluster.brokers.count() {
        scene.cluster.brokers.terminate(broker).await?;
        scene.cluster.brokers.start(broker)?;
        scene.wait_until_replicated().await?;
    }
    Ok(())
}

pub(super) async fn roll_nodes(scene: &mut Scene<'_>) -> Result<()> {
    for node in 0..scene.cluster.nodes.count() {
        scene.cluster.nodes.terminate(node).await?;
        scene.cluster.nodes.start(node).await?;
        // As an orchestrator does: the next one only when this one accepts writes.
        scene.wait_until_writable(node).await?;
        scene.pause(BETWEEN_RESTARTS_MS).await;
    }
    Ok(())
}
