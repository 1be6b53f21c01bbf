//! Fault `kill`: a server is killed at a random moment, again and again with the same data directory.

use std::{fs, process::ExitCode, time::Duration};

use rand::RngExt;

use crate::{
    args::{Args, rng_of},
    error::Result,
    expected::{Content, check},
    load::{Clock, Load, Plan, SharedModel, copies, lock, models},
    open_store::{Opened, StoreOpener},
    report::Report,
    server::{Fixture, ServerUnderTest, connect},
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct KillArgs {
    #[command(flatten)]
    args: Args,

    /// Cycles with the same data directory before an empty one is used
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    cycles: u64,
}

const WORKERS: usize = 8;
/// Maximum time under load before the kill.
const MAX_LOAD_MS: u64 = 300;

/// State that is kept from cycle to cycle.
struct KillTest {
    fixture: Fixture,
    models: Vec<SharedModel>,
    opener: StoreOpener,
    report: Report,
    /// Moving average of start times, in microseconds.
    average_start_us: u64,
}

pub(crate) async fn run(args: KillArgs) -> Result<ExitCode> {
    let work = args.args.paths.work_dir()?;
    let mut test = KillTest {
        fixture: Fixture {
            nearby: args.args.paths.nearby()?,
            data: work.path().join("data"),
            run_dir: work.path().to_owned(),
        },
        models: models(WORKERS),
        opener: StoreOpener::new(work.path()),
        report: Report::new("kill", args.args.seed, &args.args.paths),
        average_start_us: 20_000,
    };
    for key in ["cycles", "killed_in_start", "acked", "failed_starts", "lost", "torn_batch", "unexpected"] {
        test.report.add(key, 0);
    }
    for case in args.args.cases() {
        if case.is_multiple_of(args.cycles) {
            test.clear();
        }
        if !test.cycle(args.args.seed, case).await? {
            test.clear();
        }
    }
    test.report.finish()
}

impl KillTest {
    fn clear(&mut self) {
        drop(fs::remove_dir_all(&self.fixture.data));
        self.models = models(WORKERS);
    }

    /// Runs one kill and the checks after it; returns `false` if the data directory is not as expected.
    async fn cycle(&mut self, seed: u64, case: u64) -> Result<bool> {
        let mut rng = rng_of(seed, case);
        self.report.add("cycles", 1);
        let starting = self.fixture.spawn(&[])?;
        if rng.random_bool(0.25) {
            let delay_us = rng.random_range(0..=self.average_start_us);
            tokio::time::sleep(Duration::from_micros(delay_us)).await;
            starting.kill()?;
            self.report.add("killed_in_start", 1);
        } else {
            let server = match connect(starting).await? {
                Ok(server) => server,
                Err(error) => return self.fail(case, "failed_starts", error.output()),
            };
            self.record_start(&server);
            let plan = Plan {
                clock: Clock::Disabled,
                seed: rng.random(),
                continue_after_rejection: false,
                merchants: rng.random_range(20..150),
                labels: [0, 3, 20][rng.random_range(0..3)],
            };
            let load = Load::start(&server.client(), &self.models, &plan);
            let delay_us = rng.random_range(0..MAX_LOAD_MS * 1_000);
            tokio::time::sleep(Duration::from_micros(delay_us)).await;
            server.kill()?;
            let responses = load.stop(Duration::from_millis(100)).await;
            self.report.add("acked", responses.ok);
            for (error, count) in responses.rejected.iter().filter(|(error, _)| *error != "Unavailable/-") {
                self.report.add(format!("rejected_{error}"), *count);
            }
        }
        self.check(case, rng.random_bool(0.5)).await
    }

    fn record_start(&mut self, server: &ServerUnderTest) {
        let took_us = u64::try_from(server.startup_time().as_micros()).unwrap_or(u64::MAX);
        self.average_start_us = (self.average_start_us * 7 + took_us) / 8;
        self.report.set("average_start_ms", self.average_start_us / 1_000);
    }

    /// Starts a server with the data directory, or opens its store in a process of the harness, and compares.
    async fn check(&mut self, case: u64, with_server: bool) -> Result<bool> {
        let content = if with_server {
            match self.fixture.start().await? {
                Ok(server) => {
                    self.record_start(&server);
                    let content = server.content().await?;
                    // A kill without writes must do no harm either.
                    server.kill()?;
                    content
                }
                Err(error) => return self.fail(case, "failed_starts", error.output()),
            }
        } else {
            match self.opener.open(&self.fixture.data)? {
                Opened::Content(content) => content,
                Opened::Refused(error) | Opened::Crashed(error) => {
                    return self.fail(case, "failed_starts", &error);
                }
            }
        };
        self.compare(case, &content)
    }

    fn compare(&mut self, case: u64, content: &Content) -> Result<bool> {
        let verdict = check(&copies(&self.models), content, u64::MAX);
        match verdict.kind() {
            Some(kind) => self.fail(case, kind, &verdict.describe()),
            None => {
                self.models.iter().for_each(|model| lock(model).reset_to(content));
                Ok(true)
            }
        }
    }

    fn fail(&mut self, case: u64, kind: &'static str, message: &str) -> Result<bool> {
        self.report.add(kind, 1);
        let evidence = [("data", self.fixture.data.as_path()), ("log", &self.fixture.log())];
        self.report.fail(case, &format!("{kind}: {message}"), &evidence)?;
        Ok(false)
    }
}
