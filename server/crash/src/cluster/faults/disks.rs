//! Faults of disks: wiped, old, full and damaged.

use std::time::Duration;

use rand::seq::IndexedRandom;

use super::scene::Scene;
use crate::{
    cluster::{
        brokers::files::{self, Area, Damage, Role},
        kinds::Which,
    },
    error::Result,
};

/// Writes that a disk lacks that goes back to an older copy.
const WRITES: usize = 300;
/// Time within which brokers that have lost messages elect a leader, and nodes find it out.
const ELECTION_MS: u64 = 10_000;
/// Space that is left on a full disk: nothing for long.
const LEFT_BYTES: u64 = 64 * 1_024;
/// Time that a disk is full.
const FULL_MS: (u64, u64) = (4_000, 8_000);

pub(super) async fn wipe(scene: &mut Scene<'_>, which: Which) -> Result<()> {
    let brokers = scene.brokers(which).await?;
    scene.kill_brokers(&brokers)?;
    brokers.iter().try_for_each(|broker| scene.cluster.brokers.wipe(*broker))?;
    if which == Which::Follower {
        scene.grow(100).await?;
    }
    scene.start_brokers(&brokers)
}

/// Copies the stores of brokers, which are down for that time.
async fn save(scene: &mut Scene<'_>, brokers: &[usize]) -> Result<()> {
    scene.kill_brokers(brokers)?;
    brokers.iter().try_for_each(|broker| scene.cluster.brokers.save(*broker))?;
    scene.start_brokers(brokers)?;
    scene.wait_until_healthy().await
}

fn restore(scene: &mut Scene<'_>, brokers: &[usize]) -> Result<()> {
    scene.kill_brokers(brokers)?;
    brokers.iter().try_for_each(|broker| scene.cluster.brokers.restore(*broker))?;
    scene.start_brokers(brokers)
}

pub(super) async fn roll_back(scene: &mut Scene<'_>, which: Which) -> Result<()> {
    let brokers = scene.brokers(which).await?;
    save(scene, &brokers).await?;
    scene.grow(WRITES).await?;
    restore(scene, &brokers)
}

pub(super) async fn stale_majority(scene: &mut Scene<'_>) -> Result<()> {
    let followers = scene.brokers(Which::TwoFollowers).await?;
    let [stale, old] = followers[..] else { return Err("three brokers are needed".into()) };
    save(scene, &[old]).await?;
    scene.grow(50).await?;
    let leader = scene.cluster.brokers.leader().await?;
    if leader == stale || leader == old {
        scene.note("the leader has changed meanwhile");
    }
    scene.cluster.brokers.kill(stale)?;
    scene.grow(WRITES).await?;
    let away = (0..3).find(|broker| *broker != stale && *broker != old).unwrap_or_default();
    scene.cluster.brokers.kill(away)?;
    restore(scene, &[old])?;
    scene.cluster.brokers.start(stale)?;
    scene.pause(2 * ELECTION_MS).await;
    scene.cluster.brokers.start(away)
}

pub(super) async fn cut_two(scene: &mut Scene<'_>) -> Result<()> {
    let all = scene.brokers(Which::All).await?;
    let leader = scene.cluster.brokers.leader().await?;
    scene.kill_brokers(&all)?;
    let others = scene.cluster.brokers.others(leader);
    for broker in &others {
        let store = scene.cluster.brokers.store(*broker);
        for area in [Area::Stream, Area::Raft] {
            let Some(path) = files::list(&store, area, Role::Block)?.pop() else { continue };
            let length = path.metadata()?.len();
            std::fs::OpenOptions::new().write(true).open(&path)?.set_len(length * 2 / 3)?;
            scene.note(format!("broker {broker}: {area:?} cut from {length} bytes by a third"));
        }
    }
    scene.start_brokers(&others)?;
    scene.pause(2 * ELECTION_MS).await;
    scene.cluster.brokers.start(leader)
}

pub(super) async fn roll_back_all_beside_node(scene: &mut Scene<'_>) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{} is away", node + 1));
    scene.cluster.nodes.kill(node)?;
    scene.grow(50).await?;
    let all = scene.brokers(Which::All).await?;
    save(scene, &all).await?;
    scene.grow(WRITES).await?;
    restore(scene, &all)?;
    scene.cluster.nodes.start(node).await?;
    scene.pause(ELECTION_MS).await;
    Ok(())
}

pub(super) async fn fill_brokers(scene: &mut Scene<'_>, which: Which) -> Result<()> {
    let brokers = scene.brokers(which).await?;
    for broker in &brokers {
        let disk = scene.cluster.brokers.disk(*broker)?;
        disk.fill(u64::MAX)?;
        disk.leave_free(LEFT_BYTES)?;
    }
    scene.pause_between(FULL_MS).await;
    for broker in &brokers {
        scene.cluster.brokers.disk(*broker)?.free_space();
    }
    Ok(())
}

pub(super) async fn fill_node(scene: &mut Scene<'_>) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{}", node + 1));
    let disk = scene.cluster.nodes.disk(node)?;
    disk.fill(u64::MAX)?;
    disk.leave_free(LEFT_BYTES)?;
    scene.pause_between(FULL_MS).await;
    scene.cluster.nodes.disk(node)?.free_space();
    Ok(())
}

/// Damages a file of a follower, which then leads.
pub(super) async fn damage_file(
    scene: &mut Scene<'_>,
    (area, role): (Area, Role),
    damage: Damage,
) -> Result<()> {
    let broker = scene.brokers(Which::Follower).await?[0];
    // A broker that stops writes snapshots and indexes, and then has next to no messages in its Raft logs.
    if matches!(role, Role::Snapshot | Role::Index) {
        scene.cluster.brokers.terminate(broker).await?;
    } else {
        scene.cluster.brokers.kill(broker)?;
    }
    let store = scene.cluster.brokers.store(broker);
    let files = files::list(&store, area, role)?;
    match files.choose(scene.rng) {
        Some(path) => {
            let text = files::damage(path, damage, scene.rng)?;
            scene.note(format!("broker {broker} (from 0): {area:?}: {text}"));
        }
        None => scene.note(format!("broker {broker} (from 0) has no {role:?} of the {area:?}")),
    }
    scene.cluster.brokers.start(broker)?;
    make_leader(scene, broker).await
}

/// Has other brokers restarted until this one leads, or for three times: nodes then read from it.
async fn make_leader(scene: &mut Scene<'_>, broker: usize) -> Result<()> {
    const ATTEMPTS: usize = 3;
    let limit = Duration::from_secs(10);
    for _ in 0..ATTEMPTS {
        if !scene.cluster.brokers.wait_until_healthy(limit).await.is_empty() {
            scene.note("a broker is not healthy");
            return Ok(());
        }
        let leader = scene.cluster.brokers.leader().await?;
        if leader == broker {
            scene.note("it leads now");
            return scene.grow(50).await;
        }
        scene.cluster.brokers.terminate(leader).await?;
        scene.cluster.brokers.start(leader)?;
    }
    scene.note("it does not come to lead");
    Ok(())
}

pub(super) async fn damage_live(scene: &mut Scene<'_>) -> Result<()> {
    let broker = scene.brokers(Which::Leader).await?[0];
    let files = files::list(&scene.cluster.brokers.store(broker), Area::Stream, Role::Block)?;
    let path = files.first().ok_or("the leader has no messages")?;
    let text = files::damage(path, Damage::Flip, scene.rng)?;
    scene.note(format!("broker {broker} (from 0): {text}"));
    let before = scene.load.ledger.acknowledged();
    scene.pause(ELECTION_MS).await;
    let after = scene.load.ledger.acknowledged();
    scene.note(format!("{} writes acknowledged meanwhile", after - before));
    Ok(())
}
