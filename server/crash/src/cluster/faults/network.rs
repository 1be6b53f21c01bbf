//! Faults of the network: partitions, links, and slow or broken connections.

use std::time::{Duration, Instant};

use rand::RngExt;

use super::scene::Scene;
use crate::{
    cluster::{
        kinds::{Direction, Struck, Which},
        load::searches::answers,
        network::{Condition, Layout, Member},
    },
    error::Result,
};

/// Time of a partition: longer than an election.
const PARTITION_MS: (u64, u64) = (10_000, 15_000);
/// Time limit for the harness to reach a node over a link that is up again.
const RECONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const SLOW_MS: u64 = 8_000;
/// Probability that a piece of up to 16 KiB ends its connection.
const BREAK_PROBABILITY: f64 = 0.02;

async fn member(scene: &mut Scene<'_>, struck: Struck) -> Result<Member> {
    Ok(match struck {
        Struck::Leader => Member::Broker(scene.brokers(Which::Leader).await?[0]),
        Struck::Follower => Member::Broker(scene.brokers(Which::Follower).await?[0]),
        Struck::Node => {
            let node = scene.any_node();
            scene.note(format!("node-{}", node + 1));
            Member::Node(node)
        }
    })
}

async fn wait_and_heal(scene: &mut Scene<'_>) -> Result<()> {
    scene.pause_between(PARTITION_MS).await;
    scene.cluster.network.heal()
}

fn block(scene: &mut Scene<'_>, one: Member, other: Member, direction: Direction) -> Result<()> {
    if direction != Direction::Incoming {
        scene.cluster.network.block(one, other)?;
    }
    if direction != Direction::Outgoing {
        scene.cluster.network.block(other, one)?;
    }
    Ok(())
}

/// The harness reaches the member: only the other members do not.
pub(super) async fn partition(scene: &mut Scene<'_>, struck: Struck, direction: Direction) -> Result<()> {
    let member = member(scene, struck).await?;
    for other in scene.cluster.network.others(member) {
        block(scene, member, other, direction)?;
    }
    wait_and_heal(scene).await
}

pub(super) async fn link_down(scene: &mut Scene<'_>, struck: Struck) -> Result<()> {
    if scene.cluster.network.layout() != Layout::Namespaces {
        // Without links, no packet arrives.
        return partition(scene, struck, Direction::Both).await;
    }
    let member = member(scene, struck).await?;
    if let Member::Node(node) = member {
        scene.cluster.nodes.set_reachable(node, false);
    }
    scene.cluster.network.take_down(member)?;
    wait_and_heal(scene).await?;
    if let Member::Node(node) = member {
        // The harness does not connect at once: TCP waits longer after each attempt.
        let handle = scene.cluster.nodes.handles().swap_remove(node);
        let start = Instant::now();
        while start.elapsed() < RECONNECT_TIMEOUT && !answers(&handle).await {
            scene.pause(20).await;
        }
        scene.cluster.nodes.set_reachable(node, true);
    }
    Ok(())
}

pub(super) async fn node_without_brokers(scene: &mut Scene<'_>) -> Result<()> {
    let node = Member::Node(scene.any_node());
    scene.note(format!("{node:?} (from 0)"));
    for broker in 0..scene.cluster.brokers.count() {
        block(scene, node, Member::Broker(broker), Direction::Both)?;
    }
    wait_and_heal(scene).await
}

pub(super) async fn bridge(scene: &mut Scene<'_>) -> Result<()> {
    let leader = scene.brokers(Which::Leader).await?[0];
    let others = scene.cluster.brokers.others(leader);
    let follower = scene.choose(&others);
    scene.note(format!("not connected to broker {follower} (from 0)"));
    block(scene, Member::Broker(leader), Member::Broker(follower), Direction::Both)?;
    wait_and_heal(scene).await
}

pub(super) async fn minority(scene: &mut Scene<'_>) -> Result<()> {
    let leader = Member::Broker(scene.brokers(Which::Leader).await?[0]);
    let node = Member::Node(scene.any_node());
    scene.note(format!("with {node:?} (from 0)"));
    for one in [leader, node] {
        for other in scene.cluster.network.others(one) {
            if other != leader && other != node {
                block(scene, one, other, Direction::Both)?;
            }
        }
    }
    wait_and_heal(scene).await
}

/// Changes the condition of all connections for a while.
async fn disturb(scene: &mut Scene<'_>, condition: Condition) -> Result<()> {
    let brokers = (0..scene.cluster.brokers.count()).map(Member::Broker);
    let nodes = (0..scene.cluster.nodes.count()).map(Member::Node);
    for member in brokers.chain(nodes) {
        for other in scene.cluster.network.others(member) {
            scene.cluster.network.set(member, other, condition)?;
        }
    }
    scene.pause(SLOW_MS).await;
    scene.cluster.network.heal()
}

pub(super) async fn delay(scene: &mut Scene<'_>, (min, max): (u64, u64)) -> Result<()> {
    let (min, max) = (Duration::from_millis(min), Duration::from_millis(max));
    disturb(scene, Condition::Delayed { min, max }).await
}

pub(super) async fn break_connections(scene: &mut Scene<'_>) -> Result<()> {
    let probability = scene.rng.random_range(BREAK_PROBABILITY / 10.0..BREAK_PROBABILITY);
    disturb(scene, Condition::Broken { probability }).await
}
