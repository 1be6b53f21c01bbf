//! `attack`: hostile clients.

use std::{net::ToSocketAddrs, process::ExitCode};

use clap::Args;

use super::{
    output,
    prepare::{PreparedRun, RunOptions},
};
use crate::{attacks, error::Error, workload::Scenario};

#[derive(Args, Debug)]
pub(super) struct AttackArgs {
    #[command(flatten)]
    options: RunOptions,

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
    let names = || attacks::ATTACKS.iter().map(|attack| attack.name);
    if let Some(unknown) = args.only.iter().find(|only| !names().any(|name| name == only.as_str())) {
        return Err(Error::UnknownAttack(unknown.clone(), names().collect::<Vec<_>>().join(", ")));
    }
    if args.options.is_process_unknown() {
        return Err(Error::Usage("pass the server's process on this machine with --server-pid"));
    }
    let prepared = PreparedRun::prepare(&args.options, &Scenario::load("lunch-rush")?).await?;
    let (address, pid) = (prepared.address.clone(), prepared.server_pid.unwrap_or_default());
    let address =
        address.to_socket_addrs()?.next().ok_or(Error::Usage("the server's address resolves to nothing"))?;
    let mut outcomes = Vec::new();
    for attack in &attacks::ATTACKS {
        if args.only.is_empty() || args.only.iter().any(|only| only == attack.name) {
            outcomes.push((attack, attacks::attack(&prepared.runner, address, pid, attack).await?));
        }
    }
    prepared.progress.finish();
    output::text(&attacks::summary(&outcomes));
    let failures = attacks::failures(&outcomes);
    failures.iter().for_each(|failure| output::line(&format!("FAILED {failure}")));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
