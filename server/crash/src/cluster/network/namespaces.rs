//! A network namespace for each member, and the routes between them.
//!
//! Each member has a link to the namespace of the harness, which forwards packets: `10.7.N.1` is the member, `10.7.N.254` the
//! harness. A rule of the routing policy drops packets of one member to another without an answer, in that direction only.

use std::{
    collections::BTreeMap,
    fs,
    net::Ipv4Addr,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use nearby_testkit::{ManagedProcess, ProcessGroup};

use super::Member;
use crate::error::Result;

/// Priority of the first rule: before the routes.
const FIRST_PRIORITY: u32 = 100;
const TIMEOUT: Duration = Duration::from_secs(10);

/// The namespaces of all members. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Namespaces {
    /// A process in each namespace, which holds it while the member is down, and the number of its link.
    members: BTreeMap<Member, (ManagedProcess, u8)>,
    rules: Vec<u32>,
    down: Vec<u8>,
}

impl Namespaces {
    /// Creates the namespaces. The process must be in a network namespace of its own, as its root.
    pub(super) fn new(members: &[Member]) -> Result<Self> {
        run("ip", &["link", "set", "lo", "up"])?;
        fs::write("/proc/sys/net/ipv4/ip_forward", "1")?;
        let own = namespace_of("self")?;
        let mut namespaces = Self { members: BTreeMap::new(), rules: Vec::new(), down: Vec::new() };
        for (member, number) in members.iter().zip(1_u8..) {
            let mut holder = Command::new("unshare");
            holder.args(["--net", "sleep", "infinity"]).stdin(Stdio::null());
            let holder = ManagedProcess::spawn(&mut holder, ProcessGroup::Caller)?;
            let process = holder.id().to_string();
            namespaces.members.insert(*member, (holder, number));
            let start = Instant::now();
            while namespace_of(&process).is_ok_and(|namespace| namespace == own) {
                if start.elapsed() > TIMEOUT {
                    return Err("a network namespace cannot be created".into());
                }
                std::thread::sleep(Duration::from_millis(1));
            }
            connect(number, &process, &namespaces.prefix(*member))?;
        }
        Ok(namespaces)
    }

    /// Returns the address of a member.
    pub(super) fn address(&self, member: Member) -> Ipv4Addr {
        let number = self.members.get(&member).map_or(0, |(_, number)| *number);
        Ipv4Addr::new(10, 7, number, 1)
    }

    /// Returns the command that runs its arguments in the namespace of a member.
    pub(super) fn prefix(&self, member: Member) -> Vec<String> {
        let process = self.members.get(&member).map_or(0, |(holder, _)| holder.id());
        ["nsenter", &format!("--net=/proc/{process}/ns/net"), "--"].map(str::to_owned).into()
    }

    /// Drops packets of one member to another.
    pub(super) fn block(&mut self, from: Member, to: Member) -> Result<()> {
        let priority = self.rules.iter().max().map_or(FIRST_PRIORITY, |last| last + 1);
        let (from, to) = (self.address(from).to_string(), self.address(to).to_string());
        let rule = ["rule", "add", "from", &from, "to", &to, "blackhole", "priority", &priority.to_string()];
        run("ip", &rule)?;
        self.rules.push(priority);
        Ok(())
    }

    /// Takes down the link of a member.
    pub(super) fn take_down(&mut self, member: Member) -> Result<()> {
        let number = self.members.get(&member).map_or(0, |(_, number)| *number);
        run("ip", &["link", "set", &format!("v{number}"), "down"])?;
        self.down.push(number);
        Ok(())
    }

    /// Removes all rules and takes up all links.
    pub(super) fn heal(&mut self) -> Result<()> {
        for priority in self.rules.drain(..) {
            run("ip", &["rule", "del", "priority", &priority.to_string()])?;
        }
        for number in self.down.drain(..) {
            run("ip", &["link", "set", &format!("v{number}"), "up"])?;
        }
        Ok(())
    }
}

/// Returns the identity of the network namespace of a process.
fn namespace_of(process: &str) -> Result<std::path::PathBuf> {
    Ok(fs::read_link(format!("/proc/{process}/ns/net"))?)
}

/// Connects a namespace to that of the harness.
fn connect(number: u8, process: &str, inside: &[String]) -> Result<()> {
    let link = format!("v{number}");
    // Left by an earlier cluster whose namespace has not been removed yet.
    drop(run("ip", &["link", "delete", &link]));
    run("ip", &["link", "add", &link, "type", "veth", "peer", "name", "eth0", "netns", process])?;
    run("ip", &["address", "add", &format!("10.7.{number}.254/24"), "dev", &link])?;
    run("ip", &["link", "set", &link, "up"])?;
    let (address, gateway) = (format!("10.7.{number}.1/24"), format!("10.7.{number}.254"));
    for arguments in [
        &["link", "set", "lo", "up"][..],
        &["address", "add", &address, "dev", "eth0"],
        &["link", "set", "eth0", "up"],
        &["route", "add", "default", "via", &gateway],
    ] {
        let arguments: Vec<&str> =
            inside[1..].iter().map(String::as_str).chain(["ip"]).chain(arguments.iter().copied()).collect();
        run(&inside[0], &arguments)?;
    }
    Ok(())
}

fn run(program: &str, arguments: &[&str]) -> Result<()> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("cannot run {program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    let message = String::from_utf8_lossy(&output.stderr);
    Err(format!("{program} {}: {}", arguments.join(" "), message.trim()).into())
}
