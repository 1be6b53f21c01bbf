//! Injection of faults. Each returns when its cause has ended; the cluster may not have recovered then.

mod brokers;
mod disks;
mod members;
mod network;
mod processes;
mod scene;
mod stream;
mod upgrade;

use self::scene::Scene;
pub(crate) use self::scene::Scene as FaultScene;
use super::kinds::{Fault, Which};
use crate::error::Result;

/// Injects a fault.
pub(crate) async fn inject(fault: Fault, scene: &mut Scene<'_>) -> Result<()> {
    match fault {
        Fault::KillBrokers { which, down_ms } => processes::kill_brokers(scene, which, down_ms).await,
        Fault::SuspendBrokers { which, for_ms } => processes::suspend_brokers(scene, which, for_ms).await,
        Fault::SwapSuspended => processes::swap_suspended(scene).await,
        Fault::KillBesideSuspended => processes::kill_beside_suspended(scene).await,
        Fault::KillNodes { times } => processes::kill_nodes(scene, times).await,
        Fault::SuspendNode { for_ms } => processes::suspend_node(scene, for_ms).await,
        Fault::KillNodeAndLeader => processes::kill_node_and_leader(scene).await,
        Fault::KillEverything => processes::kill_everything(scene).await,
        Fault::RollBrokers => processes::roll_brokers(scene).await,
        Fault::RollNodes => processes::roll_nodes(scene).await,
        Fault::Partition { struck, direction } => network::partition(scene, struck, direction).await,
        Fault::LinkDown { struck } => network::link_down(scene, struck).await,
        Fault::NodeWithoutBrokers => network::node_without_brokers(scene).await,
        Fault::Bridge => network::bridge(scene).await,
        Fault::Minority => network::minority(scene).await,
        Fault::Delay { ms } => network::delay(scene, ms).await,
        Fault::BreakConnections => network::break_connections(scene).await,
        Fault::WipeBrokers { which } => disks::wipe(scene, which).await,
        Fault::RollBack { which } => disks::roll_back(scene, which).await,
        Fault::StaleMajority => disks::stale_majority(scene).await,
        Fault::CutTwo => disks::cut_two(scene).await,
        Fault::RollBackAllBesideNode => disks::roll_back_all_beside_node(scene).await,
        Fault::FillBrokers { which } => disks::fill_brokers(scene, which).await,
        Fault::FillNode => disks::fill_node(scene).await,
        Fault::DamageFile { area, role, damage } => disks::damage_file(scene, (area, role), damage).await,
        Fault::DamageLive => disks::damage_live(scene).await,
        Fault::DamageLiveAndWipe => {
            disks::damage_live(scene).await?;
            disks::wipe(scene, Which::Follower).await
        }
        Fault::StrayMessages => stream::stray_messages(scene).await,
        Fault::SkewClock { seconds } => members::skew_clock(scene, seconds).await,
        Fault::JumpClock => members::jump_clock(scene).await,
        Fault::LoseNodes { count } => members::lose_nodes(scene, count).await,
        Fault::ChangeReplicas => brokers::change_replicas(scene).await,
        Fault::ReplaceBroker => brokers::replace(scene).await,
        Fault::UpgradeNodes => upgrade::upgrade_nodes(scene).await,
        Fault::UpgradeBrokers => brokers::upgrade(scene).await,
    }
}
