//! Arguments of `compare`.

use std::{path::PathBuf, thread, time::Duration};

use clap::Args;

use crate::{dataset::Source, error::Error};

/// Systems to compare, and the duration of the comparison.
#[derive(Args, Clone, Debug)]
pub struct CompareArgs {
    /// Address of Nearby [default: starts a server and imports the dataset]
    #[arg(long, value_name = "URL")]
    pub(super) nearby: Option<String>,

    /// Process id of Nearby on this machine, to measure its CPU time and memory
    #[arg(long, value_name = "PID", requires = "nearby")]
    pub(super) nearby_pid: Option<u32>,

    /// Address of Redis 6.2 or later: redis://127.0.0.1:6379
    #[arg(long, value_name = "URL")]
    pub(super) redis: Option<String>,

    /// Process id of Redis
    #[arg(long, value_name = "PID", requires = "redis")]
    pub(super) redis_pid: Option<u32>,

    /// Address of Tile38: redis://127.0.0.1:9851
    #[arg(long, value_name = "URL")]
    pub(super) tile38: Option<String>,

    /// Process id of Tile38
    #[arg(long, value_name = "PID", requires = "tile38")]
    pub(super) tile38_pid: Option<u32>,

    /// PostgreSQL database with PostGIS: "host=127.0.0.1 port=5432 user=postgres dbname=nearby"
    #[arg(long, value_name = "SETTINGS")]
    pub(super) postgis: Option<String>,

    /// Process id of the postmaster; its children are measured too
    #[arg(long, value_name = "PID", requires = "postgis")]
    pub(super) postgis_pid: Option<u32>,

    /// Seed of the dataset and of the queries
    #[arg(long, default_value_t = 1)]
    pub(super) seed: u64,

    /// Number of merchants in the dataset
    #[arg(long, default_value_t = 1_000_000, value_name = "NUMBER")]
    pub(super) merchants: u64,

    /// CSV file of cities instead of the built-in ones: name,region_code,lat,lon,population
    #[arg(long, value_name = "FILE")]
    cities: Option<PathBuf>,

    /// Number of connections to each system, with one query at a time
    #[arg(long, default_value_t = 32, value_name = "NUMBER")]
    pub(super) connections: usize,

    /// Number of threads that send queries [default: half of the processors]
    #[arg(long, value_name = "NUMBER")]
    threads: Option<usize>,

    /// Duration of each round in seconds
    #[arg(long, default_value_t = 3.0, value_name = "SECONDS")]
    pub(super) seconds: f64,

    /// Number of interleaved rounds
    #[arg(long, default_value_t = 5, value_name = "NUMBER")]
    pub(super) rounds: u64,

    /// Number of responses of each system to verify
    #[arg(long, default_value_t = 500, value_name = "NUMBER")]
    pub(super) verify: usize,

    /// Load the dataset into each system, under the name nearby-compare in the rivals (the default)
    #[arg(long, overrides_with = "no_load")]
    load: bool,

    /// The systems hold the dataset already
    #[arg(long)]
    pub(super) no_load: bool,

    /// Command that restarts a system at the end, such as redis='systemctl restart redis'. The time until it responds as before
    /// is measured. The command must return once the old process has exited
    #[arg(long, value_name = "SYSTEM=COMMAND", value_parser = system_and_command)]
    restart_command: Vec<(String, String)>,

    /// File for the figures as JSON
    #[arg(long, value_name = "FILE")]
    pub(super) json: Option<PathBuf>,
}

impl CompareArgs {
    /// Checks what the types cannot express.
    pub(super) fn check(&self) -> Result<(), Error> {
        if self.redis.is_none() && self.tile38.is_none() && self.postgis.is_none() {
            return Err(Error::Usage(
                "nothing to compare with: pass --redis, --tile38 or --postgis, or let loadtest/rivals.sh start Redis and \
                 PostGIS",
            ));
        }
        if u32::try_from(self.merchants).is_err() || self.merchants == 0 {
            return Err(Error::Usage("--merchants must be above 0 and below 2^32"));
        }
        self.length().map(drop)
    }

    pub(super) fn length(&self) -> Result<Duration, Error> {
        let length = Duration::try_from_secs_f64(self.seconds).ok().filter(|length| !length.is_zero());
        length.ok_or(Error::Usage("--seconds must be above 0"))
    }

    pub(super) fn cities(&self) -> Source {
        self.cities.clone().map_or(Source::BuiltIn, Source::File)
    }

    pub(super) fn threads(&self) -> usize {
        let half = || thread::available_parallelism().map_or(1, usize::from).div_ceil(2);
        self.threads.unwrap_or_else(half).max(1)
    }

    /// Returns the command that restarts a system, by its name.
    pub(super) fn restart_command(&self, system: &str) -> Option<&str> {
        let given = self.restart_command.iter().find(|(name, _)| name.eq_ignore_ascii_case(system));
        given.map(|(_, command)| command.as_str())
    }
}

fn system_and_command(text: &str) -> Result<(String, String), String> {
    let (system, command) = text.split_once('=').ok_or("expected SYSTEM=COMMAND")?;
    match system {
        "nearby" | "redis" | "tile38" | "postgis" => Ok((system.to_owned(), command.to_owned())),
        _ => Err("system must be nearby, redis, tile38 or postgis".to_owned()),
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
    fn at_least_one_rival_and_a_positive_duration_are_required() {
        assert!(parse(&[]).unwrap().check().is_err());
        assert!(parse(&["--redis", "redis://127.0.0.1"]).unwrap().check().is_ok());
        assert!(parse(&["--redis", "redis://127.0.0.1", "--seconds", "0"]).unwrap().check().is_err());
        assert_eq!(parse(&["--redis-pid", "1"]).unwrap_err(), ErrorKind::MissingRequiredArgument);
    }

    #[test]
    fn restart_commands_are_accepted_for_known_systems_only() {
        let args = parse(&["--restart-command", "redis=a=b c"]).unwrap();
        assert_eq!(args.restart_command("Redis"), Some("a=b c"));
        assert_eq!(args.restart_command("PostGIS"), None);
        assert_eq!(parse(&["--restart-command", "mysql=x"]).unwrap_err(), ErrorKind::ValueValidation);
    }
}
