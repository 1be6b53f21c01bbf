//! A rolling upgrade of the nodes to a release with a newer format.

use std::time::{Duration, Instant};

use super::scene::Scene;
use crate::{cluster::nodes::name, error::Result};

/// Time limit for a node to report a fault, or to see the announcement of another one.
const TIMEOUT: Duration = Duration::from_secs(20);
const POLL: Duration = Duration::from_millis(100);
/// Writes while nodes of both releases run.
const WRITES: usize = 200;

pub(super) async fn upgrade_nodes(scene: &mut Scene<'_>) -> Result<()> {
    let newer = scene.cluster.newer_nearby.clone().ok_or("there is no executable of a newer release")?;
    let older = scene.cluster.commands.nearby.clone();
    let formats = scene.cluster.status().await?.nodes.into_iter().map(|node| node.max_format);
    let format = formats.max().unwrap_or_default() + 1;
    let count = scene.cluster.nodes.count();
    for node in 0..count {
        replace(scene, node, &newer).await?;
        scene.grow(WRITES).await?;
        if node + 1 == count {
            break;
        }
        let upgraded = scene.cluster.commands.upgrade(scene.cluster.nodes.url(node), format).await?;
        if upgraded.code == Some(0) || !upgraded.stderr.contains("cannot read") {
            return Err(
                format!("an upgrade that other nodes cannot read is not refused: {upgraded:?}").into()
            );
        }
    }
    upgrade_format(scene, format).await?;
    scene.grow(WRITES).await?;
    // There is no way back: the older release reports a fault, and applies nothing that it cannot read.
    let node = scene.any_node();
    scene.note(format!("{} goes back to the older release", name(node)));
    scene.cluster.nodes.terminate(node).await?;
    scene.cluster.nodes.set_executable(node, &older);
    scene.cluster.nodes.start(node).await?;
    wait_for_fault(scene, node).await?;
    replace(scene, node, &newer).await
}

/// Replaces a node, and waits until it accepts writes.
async fn replace(scene: &mut Scene<'_>, node: usize, nearby: &std::path::Path) -> Result<()> {
    scene.cluster.nodes.terminate(node).await?;
    scene.cluster.nodes.set_executable(node, nearby);
    scene.cluster.nodes.start(node).await?;
    scene.wait_until_writable(node).await
}

/// Raises the format. Nodes may not have seen the announcements of the last one, and another commit may come first.
async fn upgrade_format(scene: &mut Scene<'_>, format: u16) -> Result<()> {
    let start = Instant::now();
    loop {
        let upgraded = scene.cluster.commands.upgrade(scene.cluster.nodes.url(0), format).await?;
        if upgraded.code == Some(0) {
            scene.note(format!("format {format}"));
            return Ok(());
        }
        if start.elapsed() > TIMEOUT {
            return Err(upgraded.error("upgrade").into());
        }
        tokio::time::sleep(POLL).await;
    }
}

async fn wait_for_fault(scene: &mut Scene<'_>, node: usize) -> Result<()> {
    let start = Instant::now();
    loop {
        let status = scene.cluster.status().await?;
        let of_node = status.nodes.iter().find(|of| of.name == name(node));
        match of_node.map(|of| of.fault.as_str()) {
            Some("unsupported_format") => return Ok(()),
            _ if start.elapsed() > TIMEOUT => {
                return Err(format!("{} has no fault: {status:?}", name(node)).into());
            }
            _ => tokio::time::sleep(POLL).await,
        }
    }
}
