//! `abuse`: hostile clients.

use std::{net::ToSocketAddrs, process::ExitCode};

use clap::Args;

use super::{
    Failure, output,
    prepare::{Loaded, Options},
};
use crate::{attacks, workload::Scenario};

#[derive(Args, Debug)]
pub(super) struct AbuseArgs {
    #[command(flatten)]
    options: Options,

    /// Only these attacks; all of them without it
    #[arg(value_name = "ATTACK")]
    only: Vec<String>,
}

impl AbuseArgs {
    pub(super) fn options(&self) -> &Options {
        &self.options
    }
}

pub(super) async fn run(args: &AbuseArgs) -> Result<ExitCode, Failure> {
    let names = || attacks::ATTACKS.iter().map(|attack| attack.name);
    if let Some(unknown) = args.only.iter().find(|only| !names().any(|name| name == only.as_str())) {
        return Err(Failure::NoAttack(unknown.clone(), names().collect::<Vec<_>>().join(", ")));
    }
    if args.options.is_process_unknown() {
        return Err(Failure::Usage("say with --server-pid which process of this machine the server is"));
    }
    let loaded = Loaded::prepare(&args.options, &Scenario::load("lunch-rush")?).await?;
    let (address, pid) = (loaded.address.clone(), loaded.server_pid.unwrap_or_default());
    let address = address.to_socket_addrs()?.next().ok_or(Failure::Usage("the server has no address"))?;
    let mut outcomes = Vec::new();
    for attack in &attacks::ATTACKS {
        if args.only.is_empty() || args.only.iter().any(|only| only == attack.name) {
            outcomes.push((attack, attacks::attack(&loaded.driver, address, pid, attack).await?));
        }
    }
    loaded.live.finish();
    output::text(&attacks::summary(&outcomes));
    let failures = attacks::failures(&outcomes);
    failures.iter().for_each(|failure| output::line(&format!("FAILED {failure}")));
    Ok(if failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
