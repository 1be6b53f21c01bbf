//! `nearby cluster join`: makes the data directory of a stopped server a copy of a running node.

use clap::Args;
use nearby_cluster::identity::ClusterId;
use nearby_store::StateDigest;
use serde::Serialize;

use super::{
    member::{self, MemberArgs},
    print,
};
use crate::{
    app::{
        bootstrap::{self, BootstrapError, Source},
        cluster,
    },
    cli::{closed_store, exit_code::CliError},
    config::Settings,
};

#[derive(Args, Debug)]
pub(in crate::cli) struct JoinArgs {
    #[command(flatten)]
    member: MemberArgs,

    /// Node to copy [default: the one that is furthest, as the nodes announce themselves]
    #[arg(long, value_name = "URL")]
    from: Option<String>,

    /// Replace the copy of another cluster, which `nearby cluster init --replace` has replaced. The last messages of its log are kept in
    /// the data directory, in cluster-log-ID
    #[arg(long)]
    replace: bool,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Joined {
    cluster: String,
    sequence: u64,
    /// Address of the node that was copied; `None` if the cluster began empty and its log is complete.
    from: Option<String>,
}

pub(super) async fn run(args: JoinArgs) -> Result<(), CliError> {
    let JoinArgs { member, from, replace, json } = args;
    let (settings, node) = member.settings()?;
    let (id, source) = bootstrap::find(&node, from).await?;
    check_replaceable(&settings, id, replace)?;
    let joined = match source {
        Source::Node(peer) => {
            let position = bootstrap::copy(&settings.data_dir, &node, (id, &peer)).await?;
            Joined { cluster: id.to_string(), sequence: position.sequence, from: Some(peer) }
        }
        Source::Log => {
            let (mut store, state) = member::open(&settings)?;
            let is_new = state.position.is_none_or(|position| position.sequence == 0);
            if state.digest != StateDigest::default() || !is_new {
                return Err(CliError::data(format!(
                    "no other node announces itself, and {} is not empty: start another node, or name one with --from",
                    settings.data_dir.display()
                )));
            }
            member::mark(&mut store, id)?;
            Joined { cluster: id.to_string(), sequence: 0, from: None }
        }
    };
    print(json, &joined, || {
        let from = joined.from.as_deref().unwrap_or("its beginning");
        format!(
            "{} belongs to the cluster {}, from {from}, as of message {}; start `nearby serve` with the same settings\n",
            settings.data_dir.display(),
            joined.cluster,
            joined.sequence
        )
    })
}

/// Checks that the directory holds nothing that the copy must not replace: it is empty, or a copy of the same cluster, or with
/// `replace` of any.
fn check_replaceable(settings: &Settings, id: ClusterId, replace: bool) -> Result<(), CliError> {
    if !closed_store::is_store(&settings.data_dir)? {
        return Ok(());
    }
    let (_, state) = member::open(settings)?;
    match state.position.map(|position| ClusterId(position.cluster)) {
        Some(found) if found == id => Ok(()),
        Some(found) if replace => Ok(cluster::keep_archive(&settings.data_dir, found)?),
        Some(found) => Err(member::other_cluster(&settings.data_dir, found)),
        None if state.digest == StateDigest::default() => Ok(()),
        None => Err(CliError::data(format!(
            "{} holds the merchants of a single node, which would be lost; use another directory, or move them away",
            settings.data_dir.display()
        ))),
    }
}

impl From<BootstrapError> for CliError {
    fn from(error: BootstrapError) -> Self {
        match error {
            BootstrapError::Brokers(error) => error.into(),
            BootstrapError::Store(error) => error.into(),
            BootstrapError::NothingToJoin(_) => Self::data(error.to_string()),
            BootstrapError::Peer { .. } => Self::unavailable(error.to_string()),
            BootstrapError::File { .. } => Self::cannot_create(error.to_string()),
        }
    }
}
