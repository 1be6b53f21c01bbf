//! `nearby serve`.

use std::path::Path;

use clap::Args;

use super::exit::CliError;
use crate::{app::Running, config::ServerArgs, shutdown};

#[derive(Args, Debug)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    server: ServerArgs,
}

pub(super) async fn run(args: ServeArgs, config: Option<&Path>) -> Result<(), CliError> {
    let settings = args.server.settings(config)?;
    let running = tokio::select! {
        started = Running::start(&settings) => started?,
        signal = shutdown::signal() => {
            tracing::info!(signal = signal?, "stopping while loading");
            return Ok(());
        }
    };
    serve_until_signal(running).await
}

/// Serves until the system says stop, and then stops in good order.
pub(super) async fn serve_until_signal(running: Running) -> Result<(), CliError> {
    let signal = shutdown::signal().await?;
    tracing::info!(signal, "stopping");
    running.stop().await?;
    tracing::info!("stopped");
    Ok(())
}
