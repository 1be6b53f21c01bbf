//! `nearby cluster leave`: makes the directory of a node the store of a single node.

use std::path::PathBuf;

use clap::Args;
use nearby_cluster::identity::ClusterId;
use serde::Serialize;

use super::{member, print};
use crate::{
    app::cluster,
    cli::{closed_store, exit_code::CliError},
};

#[derive(Args, Debug)]
pub(in crate::cli) struct LeaveArgs {
    /// Directory of the stopped node
    #[arg(long, env = "NEARBY_DATA_DIR", value_name = "DIR")]
    data_dir: PathBuf,

    /// Print the result as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Left {
    cluster: String,
    sequence: u64,
}

pub(super) fn run(args: &LeaveArgs) -> Result<(), CliError> {
    closed_store::require_store(&args.data_dir)?;
    let settings = closed_store::settings(Some(&args.data_dir))?;
    let (store, state) = member::open(&settings)?;
    let Some(position) = state.position else {
        return Err(CliError::data(format!("{} belongs to no cluster", args.data_dir.display())));
    };
    store.remove_position(&closed_store::contents_of(state))?;
    cluster::remove_files(&args.data_dir)?;
    let left = Left { cluster: ClusterId(position.cluster).to_string(), sequence: position.sequence };
    print(args.json, &left, || {
        format!(
            "{} has left the cluster {} after its message {}; clients that watch changes or hold page tokens must start again\n",
            args.data_dir.display(),
            left.cluster,
            left.sequence
        )
    })
}
