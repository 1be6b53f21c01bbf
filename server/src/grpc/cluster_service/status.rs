//! The state of a cluster as one node knows it.

use nearby_cluster::{announcement::NodeState, log::LogInfo};
use nearby_proto::v1::{
    ClusterBroker, ClusterLog, ClusterNode, GetClusterStatusResponse, cluster_node::State,
};

use crate::{
    cluster::{ClusterView, brokers::Broker, view::ClusterState},
    error::ServiceError,
};

/// The response of `GetClusterStatus`.
pub(super) fn response(view: &ClusterView) -> Result<GetClusterStatusResponse, ServiceError> {
    let state = view.state().ok_or(ServiceError::NotReady("starting"))?;
    let mut nodes: Vec<ClusterNode> = peers(&state).collect();
    nodes.push(this_node(view, &state));
    nodes.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(GetClusterStatusResponse {
        cluster_id: view.cluster().to_string(),
        stream: view.stream().to_owned(),
        node: view.node().to_string(),
        nodes,
        log: state.log.as_ref().map(|info| log(info, state.has_leader)),
        brokers: view.brokers().iter().map(broker).collect(),
        format: state.status.position.format.into(),
        has_lost_redundancy: state.status.has_lost_redundancy,
    })
}

fn this_node(view: &ClusterView, state: &ClusterState) -> ClusterNode {
    let status = &state.status;
    let fault = status.fault.as_ref().map(ToString::to_string);
    let blocked = state.blocked.as_ref().map(|blocked| match blocked.peer() {
        Some(peer) => format!("{}: {peer}", blocked.description()),
        None => blocked.description().to_owned(),
    });
    ClusterNode {
        name: view.node().to_string(),
        address: view.address().to_owned(),
        applied: status.position.applied.0,
        lag: status.lag,
        state: wire_state(status.state).into(),
        fault: status.fault.as_ref().map_or("", |fault| fault.label()).to_owned(),
        revision: state.revision.0,
        clock_offset_us: 0,
        blocked: fault.or(blocked).unwrap_or_default(),
        max_format: state.max_format.into(),
    }
}

fn peers(state: &ClusterState) -> impl Iterator<Item = ClusterNode> {
    let last = state.status.position.applied.0 + state.status.lag;
    state.peers.iter().map(move |(peer, clock_offset_us)| ClusterNode {
        name: peer.node.to_string(),
        address: peer.address.clone(),
        applied: peer.applied.0,
        lag: last.saturating_sub(peer.applied.0),
        state: wire_state(peer.state).into(),
        fault: peer.fault.clone(),
        revision: peer.revision.0,
        clock_offset_us: *clock_offset_us,
        blocked: String::new(),
        max_format: peer.max_format.into(),
    })
}

fn log(info: &LogInfo, has_leader: bool) -> ClusterLog {
    ClusterLog {
        first: info.first.0,
        last: info.last.0,
        leader: if has_leader { info.leader.clone() } else { String::new() },
        lagging: info.lagging.clone(),
    }
}

fn broker(broker: &Broker) -> ClusterBroker {
    let (found, error) = match &broker.found {
        Ok(found) => (found.clone(), String::new()),
        Err(error) => (Default::default(), error.clone()),
    };
    ClusterBroker {
        monitor: broker.monitor.clone(),
        name: found.name,
        version: found.version,
        syncs: found.syncs,
        error,
    }
}

fn wire_state(state: NodeState) -> State {
    match state {
        NodeState::Joining => State::Joining,
        NodeState::CatchingUp => State::CatchingUp,
        NodeState::Serving => State::Serving,
        NodeState::NoQuorum => State::NoQuorum,
        NodeState::Draining => State::Draining,
        NodeState::Faulty => State::Faulty,
    }
}
