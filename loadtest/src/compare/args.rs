//! What the command takes.

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;

use super::{nearby::Nearby, postgis::PostGis, redis::Redis, system::System, tile38::Tile38};
use crate::{cli::Failure, dataset::Source, server::Server};

/// What is compared, and for how long.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// Address of Nearby; without it one of our own is started and loaded
    #[arg(long, value_name = "URL")]
    pub(super) nearby: Option<String>,

    /// Nearby's process, where it runs on this machine: to see what it costs
    #[arg(long, value_name = "PID", requires = "nearby")]
    nearby_pid: Option<u32>,

    /// Address of Redis 6.2 or later: redis://127.0.0.1:6379
    #[arg(long, value_name = "URL")]
    redis: Option<String>,

    /// Its process
    #[arg(long, value_name = "PID", requires = "redis")]
    redis_pid: Option<u32>,

    /// Address of Tile38: redis://127.0.0.1:9851
    #[arg(long, value_name = "URL")]
    tile38: Option<String>,

    /// Its process
    #[arg(long, value_name = "PID", requires = "tile38")]
    tile38_pid: Option<u32>,

    /// A PostgreSQL database with PostGIS: "host=127.0.0.1 port=5432 user=postgres dbname=nearby"
    #[arg(long, value_name = "SETTINGS")]
    postgis: Option<String>,

    /// Its first process (postmaster): what those that it starts use is added
    #[arg(long, value_name = "PID", requires = "postgis")]
    postgis_pid: Option<u32>,

    /// Seed of the world and of the questions
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,

    /// Merchants in the world
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER")]
    pub(super) merchants: u64,

    /// Cities to take instead of our own: a CSV file with name,region_code,lat,lon,population
    #[arg(long, value_name = "FILE")]
    cities: Option<PathBuf>,

    /// Connections to each, with one question at a time
    #[arg(long, default_value_t = 32, value_name = "NUMBER")]
    pub(super) connections: usize,

    /// Threads that ask; half of the processors without it
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,

    /// How long each turn counts, in seconds
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub(super) seconds: f64,

    /// How often each has its turn
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    pub(super) rounds: u64,

    /// Answers of each that are judged
    #[arg(long, default_value_t = 500, value_name = "NUMBER")]
    pub(super) judged: usize,

    /// Load the world into each, where the rivals keep it under the name nearby-compare (the default)
    #[arg(long, overrides_with = "no_load")]
    load: bool,

    /// They hold the world already
    #[arg(long)]
    pub(super) no_load: bool,

    /// What restarts a system at the end, as redis='systemctl restart redis': timed until it answers as before. It must
    /// return once the old process has gone
    #[arg(long, value_name = "SYSTEM=COMMAND", value_parser = system_and_command)]
    restart_command: Vec<(String, String)>,

    /// Where the figures go
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

impl CompareArgs {
    /// What the types do not say.
    pub(super) fn check(&self) -> Result<(), Failure> {
        if self.redis.is_none() && self.tile38.is_none() && self.postgis.is_none() {
            return Err(Failure::Usage(
                "there is nobody to compare with: give one of --redis, --tile38 and --postgis, or let \
                 loadtest/rivals.sh start Redis and PostGIS",
            ));
        }
        if u32::try_from(self.merchants).is_err() || self.merchants == 0 {
            return Err(Failure::Usage("--merchants must be above 0 and below 2^32"));
        }
        self.length().map(drop)
    }

    pub(super) fn length(&self) -> Result<Duration, Failure> {
        let length = Duration::try_from_secs_f64(self.seconds).ok().filter(|length| !length.is_zero());
        length.ok_or(Failure::Usage("--seconds must be above 0"))
    }

    pub(super) fn cities(&self) -> Source {
        self.cities.clone().map_or(Source::Ours, Source::File)
    }

    pub(super) fn threads(&self) -> usize {
        let half = || thread::available_parallelism().map_or(1, usize::from).div_ceil(2);
        self.threads.unwrap_or_else(half).max(1)
    }

    /// Who takes part, with its process: Nearby first.
    pub(super) fn systems(&self, own: Option<&Server>) -> Result<Vec<(System, Option<u32>)>, Failure> {
        let nearby = match own {
            Some(own) => (System::Nearby(Nearby::new(&own.url, true)?), Some(own.pid())),
            None => {
                let url = self.nearby.as_deref().unwrap_or_default();
                (System::Nearby(Nearby::new(url, false)?), self.nearby_pid)
            }
        };
        let mut systems = vec![nearby];
        if let Some(url) = &self.redis {
            systems.push((System::Redis(Redis::new(url)?), self.redis_pid));
        }
        if let Some(url) = &self.tile38 {
            systems.push((System::Tile38(Tile38::new(url)?), self.tile38_pid));
        }
        if let Some(settings) = &self.postgis {
            systems.push((System::PostGis(PostGis::new(settings)?), self.postgis_pid));
        }
        Ok(systems)
    }

    /// What restarts a system, by its name.
    pub(super) fn restart_command(&self, system: &str) -> Option<&str> {
        let given = self.restart_command.iter().find(|(name, _)| name.eq_ignore_ascii_case(system));
        given.map(|(_, command)| command.as_str())
    }
}

fn system_and_command(text: &str) -> Result<(String, String), String> {
    let (system, command) = text.split_once('=').ok_or("it must be SYSTEM=COMMAND")?;
    match system {
        "nearby" | "redis" | "tile38" | "postgis" => Ok((system.to_owned(), command.to_owned())),
        _ => Err("the system must be nearby, redis, tile38 or postgis".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::{Parser, error::ErrorKind};

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        args: CompareArgs,
    }

    fn parse(line: &[&str]) -> Result<CompareArgs, ErrorKind> {
        let line = ["compare"].iter().chain(line);
        Cli::try_parse_from(line).map(|cli| cli.args).map_err(|error| error.kind())
    }

    #[test]
    fn somebody_to_compare_with_is_needed_and_time_to_do_it() {
        assert!(parse(&[]).unwrap().check().is_err());
        assert!(parse(&["--redis", "redis://127.0.0.1"]).unwrap().check().is_ok());
        assert!(parse(&["--redis", "redis://127.0.0.1", "--seconds", "0"]).unwrap().check().is_err());
        assert_eq!(parse(&["--redis-pid", "1"]).unwrap_err(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn a_restart_is_of_a_system_there_is() {
        let args = parse(&["--restart-command", "redis=a=b c"]).unwrap();
        assert_eq!(args.restart_command("Redis"), Some("a=b c"));
        assert_eq!(args.restart_command("PostGIS"), None);
        assert_eq!(parse(&["--restart-command", "mysql=x"]).unwrap_err(), ErrorKind::ValueValidation);
    }
}
