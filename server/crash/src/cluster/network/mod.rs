//! The network between brokers and nodes: addresses, and faults of connections.
//!
//! | layout | connections | faults |
//! |---|---|---|
//! | direct | loopback | none |
//! | proxied | loopback, through proxies of the harness | bytes that are withheld, delayed, or end with the connection |
//! | namespaces | each member in a network of its own, routed by the harness | packets that are dropped, links that are down |
//!
//! The harness itself reaches every member directly, except in the last layout over a link that is down.

mod namespaces;
mod ports;
mod proxy;

use std::{
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddrV4},
};

use tokio::sync::watch;

pub(crate) use self::proxy::Condition;
use self::{namespaces::Namespaces, proxy::Proxy};
use crate::error::Result;

/// Arrangement of the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layout {
    Direct,
    Proxied,
    Namespaces,
}

/// A process of the cluster, by its number from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Member {
    Broker(usize),
    Node(usize),
}

/// A port of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Service {
    /// Nodes at a broker.
    Clients,
    /// Brokers at a broker.
    Routes,
    /// Monitoring of a broker.
    Monitor,
    /// gRPC at a node.
    Grpc,
}

/// Ports where each member has an address of its own.
const FIXED_PORTS: [(Service, u16); 4] =
    [(Service::Clients, 4222), (Service::Routes, 6222), (Service::Monitor, 8222), (Service::Grpc, 50051)];

/// The network of one cluster. Dropping it ends its proxies and namespaces.
pub(crate) struct Network {
    layout: Layout,
    members: Vec<Member>,
    listeners: BTreeMap<(Member, Service), SocketAddrV4>,
    /// Addresses of proxies, by who connects; without a member, for every node.
    proxied: BTreeMap<(Option<Member>, Member, Service), SocketAddrV4>,
    /// Condition of the bytes from one member to another. Nodes share an address among one another, so that the sender of a
    /// connection between nodes is not known: `None`.
    conditions: BTreeMap<(Option<Member>, Option<Member>), watch::Sender<Condition>>,
    _proxies: Vec<Proxy>,
    namespaces: Option<Namespaces>,
}

impl Network {
    /// Creates the network of a number of brokers and nodes.
    pub(crate) fn new(layout: Layout, brokers: usize, nodes: usize) -> Result<Self> {
        let members: Vec<Member> =
            (0..brokers).map(Member::Broker).chain((0..nodes).map(Member::Node)).collect();
        let mut network = Self {
            layout,
            members: members.clone(),
            listeners: BTreeMap::new(),
            proxied: BTreeMap::new(),
            conditions: BTreeMap::new(),
            _proxies: Vec::new(),
            namespaces: None,
        };
        let mut ports = ports::Ports::default();
        if layout == Layout::Namespaces {
            network.namespaces = Some(Namespaces::new(&members)?);
        }
        for member in &members {
            for (service, port) in FIXED_PORTS.iter().filter(|(service, _)| has(*member, *service)) {
                let address = match &network.namespaces {
                    Some(namespaces) => SocketAddrV4::new(namespaces.address(*member), *port),
                    None => SocketAddrV4::new(Ipv4Addr::LOCALHOST, ports.next_free()?),
                };
                network.listeners.insert((*member, *service), address);
            }
        }
        if layout == Layout::Proxied {
            network.start_proxies()?;
        }
        Ok(network)
    }

    fn start_proxies(&mut self) -> Result<()> {
        for to in self.members.clone() {
            for from in self.members.clone().into_iter().filter(|from| *from != to) {
                let (from, service) = match (from, to) {
                    (Member::Node(_), Member::Broker(_)) => (Some(from), Service::Clients),
                    (Member::Broker(_), Member::Broker(_)) => (Some(from), Service::Routes),
                    (Member::Node(_), Member::Node(_)) => (None, Service::Grpc),
                    (Member::Broker(_), Member::Node(_)) => continue,
                };
                if self.proxied.contains_key(&(from, to, service)) {
                    continue;
                }
                let (up, down) = (self.condition(from, Some(to)), self.condition(Some(to), from));
                let proxy = Proxy::start(self.listeners[&(to, service)], up, down)?;
                self.proxied.insert((from, to, service), proxy.address());
                self._proxies.push(proxy);
            }
        }
        Ok(())
    }

    fn condition(&mut self, from: Option<Member>, to: Option<Member>) -> watch::Receiver<Condition> {
        self.conditions.entry((from, to)).or_insert_with(|| watch::Sender::new(Condition::Normal)).subscribe()
    }

    /// Returns the arrangement.
    pub(crate) fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the address that a member listens on, which the harness can connect to.
    pub(crate) fn listener(&self, member: Member, service: Service) -> SocketAddrV4 {
        self.listeners[&(member, service)]
    }

    /// Returns the address at which a member reaches another.
    pub(crate) fn address(&self, from: Member, to: Member, service: Service) -> SocketAddrV4 {
        let from = (service != Service::Grpc).then_some(from);
        let proxied = self.proxied.get(&(from, to, service));
        proxied.copied().unwrap_or_else(|| self.listener(to, service))
    }

    /// Returns the address at which nodes reach a node.
    pub(crate) fn address_for_nodes(&self, to: usize) -> SocketAddrV4 {
        self.address(Member::Node(to), Member::Node(to), Service::Grpc)
    }

    /// Returns the command through which a member is started.
    pub(crate) fn prefix(&self, member: Member) -> Vec<String> {
        self.namespaces.as_ref().map(|namespaces| namespaces.prefix(member)).unwrap_or_default()
    }

    /// Returns all other members.
    pub(crate) fn others(&self, member: Member) -> Vec<Member> {
        self.members.iter().copied().filter(|other| *other != member).collect()
    }

    /// Drops all that one member sends to another, until [`Self::heal`].
    pub(crate) fn block(&mut self, from: Member, to: Member) -> Result<()> {
        match &mut self.namespaces {
            Some(namespaces) => namespaces.block(from, to),
            None => self.set(from, to, Condition::Blocked),
        }
    }

    /// Changes the condition of all that one member sends to another, until [`Self::heal`]. Needs proxies.
    pub(crate) fn set(&self, from: Member, to: Member, condition: Condition) -> Result<()> {
        if self.layout != Layout::Proxied {
            return Err("connections can be changed by proxies only".into());
        }
        let is_node = |member| matches!(member, Member::Node(_));
        let keys = if is_node(from) && is_node(to) {
            [(None, Some(to)), (Some(from), None)]
        } else {
            [(Some(from), Some(to)); 2]
        };
        for sender in keys.iter().filter_map(|key| self.conditions.get(key)) {
            sender.send_replace(condition);
        }
        Ok(())
    }

    /// Takes down the link of a member, until [`Self::heal`]: also the harness does not reach it. Needs namespaces.
    pub(crate) fn take_down(&mut self, member: Member) -> Result<()> {
        match &mut self.namespaces {
            Some(namespaces) => namespaces.take_down(member),
            None => Err("links can be taken down in namespaces only".into()),
        }
    }

    /// Ends all faults.
    pub(crate) fn heal(&mut self) -> Result<()> {
        for sender in self.conditions.values() {
            sender.send_replace(Condition::Normal);
        }
        self.namespaces.as_mut().map_or(Ok(()), Namespaces::heal)
    }
}

fn has(member: Member, service: Service) -> bool {
    match member {
        Member::Broker(_) => service != Service::Grpc,
        Member::Node(_) => service == Service::Grpc,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn members_connect_through_proxies_and_the_harness_does_not() {
        let network = Network::new(Layout::Proxied, 3, 2).unwrap();
        let (broker, node) = (Member::Broker(1), Member::Node(0));
        let direct = network.listener(broker, Service::Clients);
        let from_node = network.address(node, broker, Service::Clients);
        assert_ne!(from_node, direct);
        assert_ne!(from_node, network.address(Member::Node(1), broker, Service::Clients));
        assert_ne!(
            network.address(Member::Broker(0), broker, Service::Routes),
            network.address(Member::Broker(2), broker, Service::Routes)
        );
        assert_eq!(
            network.address(node, broker, Service::Monitor),
            network.listener(broker, Service::Monitor)
        );
        assert_ne!(network.address_for_nodes(1), network.listener(Member::Node(1), Service::Grpc));
    }

    #[tokio::test]
    async fn a_blocked_direction_leaves_the_other_one_as_it_is() {
        let mut network = Network::new(Layout::Proxied, 3, 2).unwrap();
        let (one, other) = (Member::Broker(0), Member::Node(1));
        network.block(one, other).unwrap();
        let condition = |from, to| *network.conditions[&(Some(from), Some(to))].borrow();
        assert_eq!(condition(one, other), Condition::Blocked);
        assert_eq!(condition(other, one), Condition::Normal);
        network.heal().unwrap();
        let is_normal = |sender: &watch::Sender<Condition>| *sender.borrow() == Condition::Normal;
        assert!(network.conditions.values().all(is_normal));
    }
}
