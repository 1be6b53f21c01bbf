//! Faults of nodes: their clocks, and lost directories.

use rand::RngExt;

use super::scene::Scene;
use crate::error::Result;

const SECOND_US: i64 = 1_000_000;
const SKEW_MS: u64 = 6_000;

pub(super) async fn skew_clock(scene: &mut Scene<'_>, seconds: i64) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{}", node + 1));
    scene.cluster.nodes.set_clock(node, seconds * SECOND_US)?;
    scene.pause(SKEW_MS).await;
    scene.cluster.nodes.set_clock(node, 0)
}

pub(super) async fn jump_clock(scene: &mut Scene<'_>) -> Result<()> {
    let node = scene.any_node();
    scene.note(format!("node-{}", node + 1));
    for _ in 0..40 {
        let offset_us = scene.rng.random_range(-90 * SECOND_US..90 * SECOND_US);
        scene.cluster.nodes.set_clock(node, offset_us)?;
        scene.pause_between((20, 400)).await;
    }
    scene.cluster.nodes.set_clock(node, 0)
}

pub(super) async fn lose_nodes(scene: &mut Scene<'_>, count: usize) -> Result<()> {
    let first = scene.any_node();
    let nodes = scene.cluster.nodes.count();
    let lost: Vec<usize> = (0..count).map(|place| (first + place) % nodes).collect();
    scene.note(format!("nodes {lost:?} (from 0)"));
    for node in &lost {
        scene.cluster.nodes.kill(*node)?;
    }
    scene.grow(100).await?;
    for node in lost {
        // From the node that its announcements name as the best one.
        scene.cluster.nodes.bootstrap(node, None).await?;
        scene.cluster.nodes.start(node).await?;
    }
    Ok(())
}
