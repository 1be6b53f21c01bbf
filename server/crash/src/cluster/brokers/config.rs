//! Configuration files of brokers.

use std::path::Path;

use crate::cluster::network::{Layout, Member, Network, Service};

/// User of the system account, which administers the cluster of brokers. All other clients need no credentials.
pub(crate) const SYSTEM_USER: &str = "system";

/// Returns the name of a broker. It is the name under which the stream's leader is reported.
pub(super) fn name(number: usize) -> String {
    format!("broker-{}", number + 1)
}

/// Returns the name of the broker that takes the place of another one for the n-th time.
pub(super) fn next_name(number: usize, replacements: usize) -> String {
    match replacements {
        0 => name(number),
        _ => format!("{}-{replacements}", name(number)),
    }
}

/// Returns the number of the broker with this name.
pub(super) fn number_of(name: &str) -> Option<usize> {
    let number = name.strip_prefix("broker-")?;
    number.split_once('-').map_or(number, |(number, _)| number).parse::<usize>().ok()?.checked_sub(1)
}

/// Returns the configuration of a broker.
pub(super) fn render(network: &Network, (number, name): (usize, &str), count: usize, store: &Path) -> String {
    let this = Member::Broker(number);
    let listener = |service| network.listener(this, service);
    let mut text = format!(
        "server_name: {}\nlisten: {}\nhttp: {}\nmax_payload: 8MB\nmax_pending: 64MB\nwrite_deadline: 10s\n\
         jetstream {{ store_dir: {store:?}, max_mem: 64MB, max_file: 8GB, sync_interval: always }}\n\
         accounts {{ \"$SYS\" {{ users: [{{ user: {SYSTEM_USER}, password: {SYSTEM_USER} }}] }} }}\n",
        name,
        listener(Service::Clients),
        listener(Service::Monitor),
    );
    if count > 1 {
        let others = (0..count).filter(|other| *other != number);
        let route =
            |other| format!("nats://{}", network.address(this, Member::Broker(other), Service::Routes));
        let routes: Vec<String> = others.map(route).collect();
        // Brokers tell one another, and clients, the addresses that they know. Those would circumvent the proxies.
        let advertise = match network.layout() {
            Layout::Proxied => "advertise: \"127.0.0.1:1\", ",
            Layout::Direct | Layout::Namespaces => "",
        };
        text += &format!(
            "cluster {{ name: nearby, listen: {}, no_advertise: true, {advertise}routes: [{}] }}\n",
            listener(Service::Routes),
            routes.join(", ")
        );
    }
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_and_numbers_correspond() {
        assert_eq!(number_of(&name(2)), Some(2));
        assert_eq!(next_name(2, 0), name(2));
        assert_eq!(number_of(&next_name(2, 7)), Some(2));
        for other in ["", "broker-", "broker-0", "broker-0-1", "node-1"] {
            assert_eq!(number_of(other), None, "{other}");
        }
    }

    #[tokio::test]
    async fn brokers_sync_every_message_and_know_only_the_proxies_of_the_others() {
        let network = Network::new(Layout::Proxied, 3, 1).unwrap();
        let text = render(&network, (0, "broker-1"), 3, Path::new("/store"));
        assert!(text.contains("sync_interval: always") && text.contains("store_dir: \"/store\""));
        let routes = text.lines().last().unwrap();
        let own = network.listener(Member::Broker(0), Service::Routes).to_string();
        assert!(routes.contains(&format!("listen: {own}")));
        for other in [1, 2] {
            let direct = network.listener(Member::Broker(other), Service::Routes).to_string();
            assert!(!routes.contains(&direct), "{routes}");
        }
        assert!(!render(&network, (0, "broker-1"), 1, Path::new("/store")).contains("cluster"));
    }
}
