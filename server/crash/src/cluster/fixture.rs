//! A cluster under test: its network, brokers and nodes, and the content that is expected.

use std::{
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use nearby_client::v1::{ExportMerchantsRequest, MerchantView};

use super::{
    brokers::Brokers,
    checker::Export,
    command::{Commands, Status},
    load::expectation::Expectation,
    network::{Layout, Member, Network, Service},
    nodes::{NodeHandle, NodeSettings, Nodes, name},
};
use crate::{error::Result, shim::ClockShim};

/// Time limit for the brokers to accept the stream, and for a node to join.
const TIMEOUT: Duration = Duration::from_secs(60);
const POLL: Duration = Duration::from_millis(200);

/// Executables and sizes of all clusters of a run.
pub(crate) struct Setup {
    pub(crate) nearby: PathBuf,
    pub(crate) nats_server: PathBuf,
    pub(crate) other_releases: OtherReleases,
    pub(crate) brokers: usize,
    pub(crate) nodes: usize,
    /// Size of the disk of each member; without one, all share a disk.
    pub(crate) disk_mib: Option<u64>,
    pub(crate) clock: ClockShim,
}

/// Executables of other releases, for tests of upgrades.
#[derive(Clone, Debug, Default)]
pub(crate) struct OtherReleases {
    /// `nearby` with a newer format.
    pub(crate) newer_nearby: Option<PathBuf>,
    pub(crate) older_nats_server: Option<PathBuf>,
}

/// Processes that a fault replaces by another release.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Upgrade {
    Nodes,
    Brokers,
}

/// A cluster. Dropping it kills all its processes.
pub(crate) struct Cluster {
    // In the order in which they are dropped.
    pub(crate) nodes: Nodes,
    pub(crate) brokers: Brokers,
    pub(crate) network: Network,
    pub(crate) commands: Commands,
    pub(crate) nats_server: PathBuf,
    pub(crate) newer_nearby: Option<PathBuf>,
    pub(crate) expectation: Expectation,
}

impl Cluster {
    /// Starts a cluster with empty directories below this one, with brokers of an older release if they are going to be upgraded.
    pub(crate) async fn start(
        setup: &Setup,
        directory: &Path,
        layout: Layout,
        upgrade: Option<Upgrade>,
    ) -> Result<Self> {
        let network = Network::new(layout, setup.brokers, setup.nodes)?;
        let older = setup.other_releases.older_nats_server.as_ref();
        let older = older.filter(|_| upgrade == Some(Upgrade::Brokers));
        let nats_server = older.unwrap_or(&setup.nats_server);
        let mut brokers = Brokers::new(nats_server, directory, &network, setup.brokers, setup.disk_mib)?;
        brokers.start_all()?;
        let url = |broker| format!("nats://{}", network.listener(Member::Broker(broker), Service::Clients));
        let monitor = |broker| brokers.monitor_url(broker);
        let list = |url: &dyn Fn(usize) -> String| (0..setup.brokers).map(url).collect::<Vec<_>>().join(",");
        let commands = Commands {
            nearby: setup.nearby.clone(),
            directory: directory.to_owned(),
            brokers: list(&url),
            allow_older_brokers: older.is_some(),
        };
        let settings = NodeSettings {
            directory,
            commands: commands.clone(),
            monitors: list(&monitor),
            clock: &setup.clock,
            disk_mib: setup.disk_mib,
        };
        let nodes = Nodes::new(settings, &network, setup.brokers, setup.nodes)?;
        let mut cluster = Self {
            nodes,
            brokers,
            network,
            commands,
            nats_server: setup.nats_server.clone(),
            newer_nearby: setup.other_releases.newer_nearby.clone(),
            expectation: Expectation::default(),
        };
        let unhealthy = cluster.brokers.wait_until_healthy(TIMEOUT).await;
        if !unhealthy.is_empty() {
            return Err(format!("brokers {unhealthy:?} do not become healthy").into());
        }
        cluster.found(setup).await?;
        cluster.nodes.start_all().await?;
        Ok(cluster)
    }

    /// Makes the directory of each node a member.
    async fn found(&self, setup: &Setup) -> Result<()> {
        let start = Instant::now();
        for number in 0..setup.nodes {
            let (node, data) = (name(number), self.nodes.data(number));
            loop {
                let output = match number {
                    0 => self.commands.init((&node, &data), setup.brokers, &[]).await?,
                    _ => self.commands.join(&node, &data, None).await?,
                };
                match output.code {
                    Some(0) => break,
                    _ if start.elapsed() > TIMEOUT => return Err(output.error("init or join").into()),
                    // The brokers have not elected a leader of their metadata yet.
                    _ => tokio::time::sleep(POLL).await,
                }
            }
        }
        Ok(())
    }

    /// Returns the clients of all nodes.
    pub(crate) fn handles(&self) -> Vec<NodeHandle> {
        self.nodes.handles()
    }

    /// Returns the state of the cluster as the first node says that answers.
    pub(crate) async fn status(&mut self) -> Result<Status> {
        let mut last = "no node is running".into();
        for number in 0..self.nodes.count() {
            if !self.nodes.is_running(number)? {
                continue;
            }
            match self.commands.status(self.nodes.url(number)).await {
                Ok(status) => return Ok(status),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    /// Waits until all nodes have applied the whole log and have no fault.
    pub(crate) async fn wait_until_equal(&mut self, limit: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let status = self.status().await;
            let is_equal = |status: &Status| {
                status.nodes.len() == self.nodes.count()
                    && status
                        .nodes
                        .iter()
                        .all(|node| Some(node.applied) == status.last && node.fault.is_empty())
            };
            if status.as_ref().is_ok_and(is_equal) {
                return Ok(());
            }
            if start.elapsed() > limit {
                return Err(format!("the nodes have not applied the whole log: {status:?}").into());
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// Reads the contents of all nodes.
    pub(crate) async fn export(&self) -> Result<Vec<Export>> {
        let mut exports = Vec::new();
        for (number, node) in self.handles().iter().enumerate() {
            let mut export = Export { node: name(number), ..Export::default() };
            let request = ExportMerchantsRequest { view: MerchantView::Full.into(), ..Default::default() };
            let mut responses = node.reader.export_merchants(request).await?;
            while let Some(response) = responses.message().await? {
                export.revision = response.revision;
                for merchant in response.merchants {
                    export
                        .merchants
                        .insert(merchant.name.trim_start_matches("merchants/").to_owned(), merchant);
                }
            }
            exports.push(export);
        }
        Ok(exports)
    }
}
