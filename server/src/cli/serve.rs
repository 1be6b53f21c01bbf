//! `nearby serve`.

use std::path::PathBuf;

use clap::Args;

use super::{care, exit::CliError};
use crate::{
    app::Running,
    config::ServerArgs,
    observe::{LogControl, panics},
    shutdown::Signals,
};

#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    /// Settings file in TOML, with the names of the flags below as keys, such as data_dir = "…"; flags and environment win
    #[arg(long, env = "NEARBY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: ServeArgs, log: LogControl) -> Result<(), CliError> {
    let mut settings = args.server.settings(args.config.as_deref())?;
    settings.loading = care::loading_bar().unwrap_or(settings.loading);
    settings.log = Some(log);
    panics::watch();
    let mut signals = Signals::listen()?;
    let running = tokio::select! {
        started = Running::start(&settings) => started?,
        signal = signals.received() => {
            tracing::info!(signal, "stopping while loading");
            return Ok(());
        }
    };
    serve_until(signals, running).await
}

/// Serves until the system says stop, and then stops in good order.
pub(super) async fn serve_until(mut signals: Signals, running: Running) -> Result<(), CliError> {
    let signal = signals.received().await;
    tracing::info!(signal, "stopping");
    running.stop().await?;
    tracing::info!("stopped");
    Ok(())
}
