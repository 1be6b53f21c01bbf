//! `nearby cluster`: creates, joins, shows and repairs a cluster.
//!
//! | module | contents |
//! |---|---|
//! | `init`, `join`, `leave` | commands on the data directory of a stopped server |
//! | `status`, `heal`, `verify`, `upgrade` | commands that call a running node |
//! | `member` | helpers of the former |

mod heal;
mod init;
mod join;
mod leave;
mod member;
mod status;
mod upgrade;
mod verify;

use clap::Subcommand;
use serde::Serialize;

use super::{exit_code::CliError, terminal};

#[derive(Debug, Subcommand)]
pub(super) enum ClusterCommand {
    /// Create the log of a cluster, which begins with the store in --data-dir, empty or not
    #[command(mut_args(member::hide_unused_setting))]
    Init(Box<init::InitArgs>),
    /// Make the data directory of a stopped server a copy of a running node
    #[command(mut_args(member::hide_unused_setting))]
    Join(Box<join::JoinArgs>),
    /// Show the nodes, the log and the brokers
    Status(status::StatusArgs),
    /// Publish again what the log has lost, from what a node has kept
    Heal(heal::HealArgs),
    /// Compare the contents of all nodes as of one commit
    Verify(verify::VerifyArgs),
    /// Raise the format of the log, once every node can read it
    Upgrade(upgrade::UpgradeArgs),
    /// Make the data directory of a stopped node the store of a single node
    Leave(leave::LeaveArgs),
}

pub(super) async fn run(command: ClusterCommand) -> Result<(), CliError> {
    match command {
        ClusterCommand::Init(args) => init::run(*args).await,
        ClusterCommand::Join(args) => join::run(*args).await,
        ClusterCommand::Status(args) => status::run(args).await,
        ClusterCommand::Heal(args) => heal::run(args).await,
        ClusterCommand::Verify(args) => verify::run(args).await,
        ClusterCommand::Upgrade(args) => upgrade::run(args).await,
        ClusterCommand::Leave(args) => leave::run(&args),
    }
}

const REMEDY: &str = "start one with `nearby serve`, or name another with --server";

/// Prints a result: as JSON, or as text for people.
fn print(json: bool, result: &impl Serialize, text: impl FnOnce() -> String) -> Result<(), CliError> {
    if json {
        let json = serde_json::to_string(result).map_err(std::io::Error::from)?;
        return Ok(terminal::out(format!("{json}\n"))?);
    }
    Ok(terminal::out(text())?)
}
