//! `attack`: hostile clients.

use std::{
    net::{SocketAddr, ToSocketAddrs},
    process::ExitCode,
    time::Duration,
};

use clap::Args;

use super::{
    output,
    prepare::{Listeners, PreparedRun, RunOptions},
};
use crate::{
    attacks::{self, CALLERS, Durations, HttpCallers, Listener, Victim},
    error::Error,
    h2_client::Target,
    workload::Scenario,
};

#[derive(Args, Debug)]
pub(super) struct AttackArgs {
    #[command(flatten)]
    options: RunOptions,

    /// Address of the HTTP listener of that server [default: its HTTP listener is not attacked]
    #[arg(long, value_name = "URL", requires = "server")]
    http_server: Option<String>,

    /// Duration of each measurement of the well-behaved callers in seconds [default: 2 to 20, by attack]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<f64>,

    /// Names of the attacks to run [default: all]
    #[arg(value_name = "ATTACK")]
    only: Vec<String>,
}

impl AttackArgs {
    pub(super) fn options(&self) -> &RunOptions {
        &self.options
    }
}

pub(super) async fn run(args: &AttackArgs) -> Result<ExitCode, Error> {
    let names = || attacks::all().map(|attack| attack.name);
    if let Some(unknown) = args.only.iter().find(|only| !names().any(|name| name == only.as_str())) {
        return Err(Error::UnknownAttack(unknown.clone(), names().collect::<Vec<_>>().join(", ")));
    }
    if args.options.is_process_unknown() {
        return Err(Error::Usage("pass the server's process on this machine with --server-pid"));
    }
    let durations = match args.seconds {
        Some(seconds) => Durations::all(super::seconds(seconds)?),
        None => Durations::default(),
    };
    let scenario = Scenario::load("lunch-rush")?;
    let prepared = PreparedRun::prepare_with(&args.options, &scenario, Listeners::GrpcAndHttp).await?;
    let http = args.http_server.as_ref().or(prepared.http_address.as_ref());
    let http = http.map(|http| http_callers(http, args, &prepared)).transpose()?;
    let has_http = http.is_some();
    let selected = |attack: &&attacks::Attack| match args.only.as_slice() {
        [] => has_http || attack.listener == Listener::Grpc,
        only => only.iter().any(|only| only == attack.name),
    };
    let selected: Vec<_> = attacks::all().filter(selected).collect();
    if !has_http && selected.iter().any(|attack| attack.listener == Listener::Http) {
        return Err(Error::Usage("pass the address of the HTTP listener with --http-server"));
    }
    let victim = Victim {
        runner: &prepared.runner,
        oracle: prepared.oracle.clone(),
        address: resolve(&prepared.address)?,
        http,
        pid: prepared.server_pid.unwrap_or_default(),
    };
    let mut outcomes = Vec::new();
    for attack in selected {
        outcomes.push((attack, attacks::attack(&victim, attack, durations).await?));
    }
    prepared.progress.finish();
    output::text(&attacks::summary(&outcomes));
    let failures = attacks::failures(&outcomes);
    failures.iter().for_each(|failure| output::line(&format!("FAILED {failure}")));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The callers of the HTTP listener.
fn http_callers(
    http: &str,
    args: &AttackArgs,
    prepared: &PreparedRun,
) -> Result<(SocketAddr, HttpCallers), Error> {
    let address = resolve(Target::new(http, Duration::ZERO)?.address())?;
    let authorization = prepared.target.authorization().cloned();
    Ok((address, HttpCallers::new(address, CALLERS, prepared.requests(&args.options), authorization)))
}

fn resolve(address: &str) -> Result<SocketAddr, Error> {
    address.to_socket_addrs()?.next().ok_or(Error::Usage("the server's address resolves to nothing"))
}
