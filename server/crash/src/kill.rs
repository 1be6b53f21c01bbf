//! A server is killed at a random moment, again and again on one directory.

use std::{fs, process::ExitCode, time::Duration};

use rand::RngExt;

use crate::{
    Args, Outcome,
    check::{Look, Looker},
    child::{Place, Server, Starting},
    load::{Clock, Load, Plan, Shared, copies, held, models},
    model::{Content, check},
    random_of,
    report::Report,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct KillArgs {
    #[command(flatten)]
    args: Args,

    /// After how many cycles to begin anew with an empty directory
    #[arg(long, default_value_t = 50, value_name = "NUMBER")]
    cycles: u64,
}

const WORKERS: usize = 8;
/// The longest that a server is left under load, in milliseconds.
const LONGEST_LOAD: u64 = 300;

/// What goes on from cycle to cycle.
struct Cycles {
    place: Place,
    models: Vec<Shared>,
    looker: Looker,
    report: Report,
    /// How long a start took of late, in microseconds.
    typical_start: u64,
}

pub(crate) async fn run(args: KillArgs) -> Outcome<ExitCode> {
    let work = args.args.work()?;
    let mut cycles = Cycles {
        place: Place { data: work.path().join("data"), beside: work.path().to_owned() },
        models: models(WORKERS),
        looker: Looker::new(work.path().join("looker.log")),
        report: Report::new("kill", &args.args),
        typical_start: 20_000,
    };
    for key in ["cycles", "killed_in_start", "acked", "failed_starts", "lost", "torn_batch", "strange"] {
        cycles.report.add(key, 0);
    }
    for case in args.args.cases() {
        if case.is_multiple_of(args.cycles) {
            cycles.afresh();
        }
        if !cycles.cycle(args.args.seed, case).await? {
            cycles.afresh();
        }
    }
    cycles.report.finish()
}

impl Cycles {
    fn afresh(&mut self) {
        drop(fs::remove_dir_all(&self.place.data));
        self.models = models(WORKERS);
    }

    /// One kill and all that is looked at after it; whether the directory is still good.
    async fn cycle(&mut self, seed: u64, case: u64) -> Outcome<bool> {
        let mut random = random_of(seed, case);
        self.report.add("cycles", 1);
        let starting = Starting::spawn(&self.place, &[])?;
        if random.random_bool(0.25) {
            let moment = random.random_range(0..=self.typical_start);
            tokio::time::sleep(Duration::from_micros(moment)).await;
            starting.kill()?;
            self.report.add("killed_in_start", 1);
        } else {
            let server = match starting.ready().await? {
                Ok(server) => server,
                Err(refusal) => return self.failed(case, "failed_starts", &refusal.said),
            };
            self.started(&server);
            let plan = Plan {
                clock: Clock::Still,
                seed: random.random(),
                goes_on: false,
                merchants: random.random_range(20..150),
                labels: [0, 3, 20][random.random_range(0..3)],
            };
            let load = Load::start(&server, &self.models, &plan)?;
            let moment = random.random_range(0..LONGEST_LOAD * 1_000);
            tokio::time::sleep(Duration::from_micros(moment)).await;
            server.kill()?;
            let answers = load.stop(Duration::from_millis(100)).await;
            self.report.add("acked", answers.ok);
            for (what, count) in answers.refused.iter().filter(|(what, _)| *what != "Unavailable/-") {
                self.report.add(format!("answered_{what}"), *count);
            }
        }
        self.look(case, random.random_bool(0.5)).await
    }

    fn started(&mut self, server: &Server) {
        let took = u64::try_from(server.took.as_micros()).unwrap_or(u64::MAX);
        self.typical_start = (self.typical_start * 7 + took) / 8;
        self.report.set("typical_start_ms", self.typical_start / 1_000);
    }

    /// Starts on what is left, or opens it within a process of ours, and compares.
    async fn look(&mut self, case: u64, by_server: bool) -> Outcome<bool> {
        let content = if by_server {
            match Server::start(&self.place).await? {
                Ok(server) => {
                    self.started(&server);
                    let content = server.content().await?;
                    // No writes: another kill, which must not harm either.
                    server.kill()?;
                    content
                }
                Err(refusal) => return self.failed(case, "failed_starts", &refusal.said),
            }
        } else {
            match self.looker.look(&self.place.data)? {
                Look::Opened(content) => content,
                Look::Refused(why) | Look::Broke(why) => return self.failed(case, "failed_starts", &why),
            }
        };
        self.compare(case, &content)
    }

    fn compare(&mut self, case: u64, content: &Content) -> Outcome<bool> {
        let verdict = check(&copies(&self.models), content, u64::MAX);
        let kind = match &verdict {
            verdict if verdict.is_good() => {
                self.models.iter().for_each(|model| held(model).settle(content));
                return Ok(true);
            }
            verdict if !verdict.lost.is_empty() => "lost",
            verdict if !verdict.torn.is_empty() => "torn_batch",
            _ => "strange",
        };
        self.failed(case, kind, &verdict.words())
    }

    fn failed(&mut self, case: u64, kind: &'static str, what: &str) -> Outcome<bool> {
        self.report.add(kind, 1);
        let log = self.place.beside.join("log");
        self.report.fail(case, &format!("{kind}: {what}"), &[("data", &self.place.data), ("log", &log)])?;
        Ok(false)
    }
}
