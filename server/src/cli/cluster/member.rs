//! Helpers of the commands on the data directory of a stopped server.

use std::path::{Path, PathBuf};

use clap::{Arg, Args};
use nearby_cluster::{identity::ClusterId, jetstream::JetStreamError, message::NEWEST_FORMAT};
use nearby_index::UnixMicros;
use nearby_store::{Batch, DurableStore, LogPosition, OwnedBatch, RecoveredState, Store};

use crate::{
    app::startup,
    cli::{closed_store, exit_code::CliError},
    cluster::ClusterSettings,
    config::{ServerArgs, Settings},
};

/// The settings of the server, of which these commands use the data directory and the cluster.
#[derive(Args, Debug)]
pub(super) struct MemberArgs {
    /// Settings file in TOML, as of nearby serve
    #[arg(long, env = "NEARBY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,
}

/// Hides an argument in the help if it is a setting that these commands read and do not use. Only settings have an environment variable.
pub(super) fn hide_unused_setting(arg: Arg) -> Arg {
    let id = arg.get_id().as_str();
    let is_used = ["config", "data_dir"].contains(&id) || id.starts_with("cluster");
    let is_setting = arg.get_env().is_some();
    let is_hidden = arg.is_hide_set();
    arg.hide(is_hidden || (is_setting && !is_used))
}

impl MemberArgs {
    pub(super) fn settings(self) -> Result<(Settings, ClusterSettings), CliError> {
        let settings = self.server.settings(self.config.as_deref())?;
        let Some(cluster) = settings.cluster.clone() else {
            return Err(CliError::usage("--cluster and --cluster-node are required"));
        };
        Ok((settings, cluster))
    }
}

/// Opens the store of a stopped server.
pub(super) fn open(settings: &Settings) -> Result<(DurableStore, RecoveredState), CliError> {
    Ok(startup::open_store(settings, &closed_store::progress())?)
}

/// Makes a store a member of a cluster that has applied nothing of its log.
pub(super) fn mark(store: &mut DurableStore, cluster: ClusterId) -> Result<(), CliError> {
    let position =
        LogPosition { cluster: cluster.0, sequence: 0, hash: 0, time: UnixMicros(0), format: NEWEST_FORMAT };
    let deletions_since = store.digest().watermarks.deletions_since;
    let nothing = OwnedBatch { deletions_since, ..OwnedBatch::default() };
    let batch = Batch { position: Some(position), ..nothing.as_batch(&[]) };
    Ok(store.commit(&batch)?)
}

/// The error of a directory that belongs to another cluster.
pub(super) fn other_cluster(data_dir: &Path, found: ClusterId) -> CliError {
    CliError::data(format!(
        "{} belongs to the cluster {found}; use another directory, or --replace if that cluster has been replaced",
        data_dir.display()
    ))
}

impl From<JetStreamError> for CliError {
    fn from(error: JetStreamError) -> Self {
        match &error {
            JetStreamError::Settings(_) => Self::usage(error.to_string()),
            _ => Self::unavailable(error.to_string()),
        }
    }
}
