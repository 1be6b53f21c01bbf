//! Fault `disk-full`: the disk fills up at a random moment and later has free space again.

use std::{
    fs,
    process::ExitCode,
    time::{Duration, Instant},
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::{
    args::{Args, rng_of},
    error::Result,
    expected::check,
    load::{Clock, Load, Plan, SharedModel, copies, lock, models},
    namespaces,
    open_store::{Opened, StoreOpener},
    report::Report,
    server::{Fixture, ServerUnderTest},
    small_disk::SmallDisk,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct DiskFullArgs {
    #[command(flatten)]
    args: Args,

    /// Size of the disk, in MiB
    #[arg(long = "size", default_value_t = 48, value_name = "MIB")]
    size_mib: u64,
}

const WORKERS: usize = 6;
const MIB: u64 = 1024 * 1024;
/// Time limit for changes to be accepted again once there is free space.
const RECOVERY_TIMEOUT: Duration = Duration::from_secs(10);
/// Time limit for the load to fill the disk.
const FILL_TIMEOUT: Duration = Duration::from_secs(6);
pub(crate) async fn run(args: DiskFullArgs) -> Result<ExitCode> {
    let mut report = Report::new("disk-full", args.args.seed, &args.args.paths);
    let work = args.args.paths.work_dir()?;
    if SmallDisk::mount(work.path().join("try"), 1)?.is_none() {
        return rerun_in_namespace(&report);
    }
    let nearby = args.args.paths.nearby()?;
    let mut opener = StoreOpener::new(work.path());
    for key in ["cases", "full_in_start", "full_under_load", "not_full", "recovered", "not_recovered", "lost"]
    {
        report.add(key, 0);
    }
    for case in args.args.cases() {
        let mount_point = work.path().join(format!("disk-{case}"));
        let Some(disk) = SmallDisk::mount(mount_point, args.size_mib)? else {
            return rerun_in_namespace(&report);
        };
        let mut rng = rng_of(args.args.seed, case);
        report.add("cases", 1);
        let run_dir = work.path().join(format!("run-{case}"));
        fs::create_dir_all(&run_dir)?;
        let fixture = Fixture { nearby: nearby.clone(), data: disk.mount_point().join("data"), run_dir };
        let failures = run_case(&args, &disk, &fixture, &mut rng, &mut opener, &mut report).await?;
        if !failures.is_empty() {
            let evidence = [("data", fixture.data.as_path()), ("run", &fixture.run_dir)];
            report.fail(case, &failures.join("; "), &evidence)?;
        }
    }
    report.finish()
}

/// Runs this program again in a mount namespace, in which it may mount disks.
fn rerun_in_namespace(report: &Report) -> Result<ExitCode> {
    if let Some(code) = namespaces::rerun(&[namespaces::MOUNT]) {
        return Ok(code);
    }
    report.print("disk-full cannot mount a disk: run it as root, or allow user namespaces")?;
    Ok(ExitCode::from(namespaces::UNAVAILABLE))
}

/// Fills a disk and frees space again; returns the failures.
async fn run_case(
    args: &DiskFullArgs,
    disk: &SmallDisk,
    fixture: &Fixture,
    rng: &mut Pcg64Mcg,
    opener: &mut StoreOpener,
    report: &mut Report,
) -> Result<Vec<String>> {
    let mut failures = Vec::new();
    let models = models(WORKERS);
    let plan = Plan {
        clock: Clock::Disabled,
        seed: rng.random(),
        continue_after_rejection: true,
        merchants: 150,
        labels: [3, 20][rng.random_range(0..2)],
    };
    if rng.random_bool(0.3) {
        // A start on a disk that is nearly full, with some content.
        let server = fixture.must_start(&[]).await?;
        let small = Plan { merchants: 30, labels: 1, ..plan.clone() };
        let load = Load::start(&server.client(), &models, &small);
        tokio::time::sleep(Duration::from_millis(50)).await;
        load.stop(Duration::from_secs(20)).await;
        server.terminate().await?;
        disk.fill(args.size_mib * MIB)?;
        let free = [0, 4_096, 64 * 1_024, MIB, 6 * MIB][rng.random_range(0..5)];
        disk.leave_free(free)?;
    } else {
        disk.fill(rng.random_range(0..args.size_mib * MIB * 9 / 10))?;
    }
    match fixture.start().await? {
        Err(error) => {
            report.add("full_in_start", 1);
            if error.status().is_none_or(|status| status.code().is_none())
                || !error.output().contains("nearby: ")
            {
                failures.push(format!("the error of the start is unclear: {error}"));
            }
            disk.free_space();
        }
        Ok(server) => {
            let test = FullDiskTest { disk, fixture, models: &models, plan: &plan };
            test.run(server, &mut failures, report).await?;
        }
    }
    check_restart(fixture, &models, opener, &mut failures, report).await?;
    Ok(failures)
}

/// A server whose disk fills up under load.
struct FullDiskTest<'a> {
    disk: &'a SmallDisk,
    fixture: &'a Fixture,
    models: &'a [SharedModel],
    plan: &'a Plan,
}

impl FullDiskTest<'_> {
    async fn run(
        &self,
        mut server: ServerUnderTest,
        failures: &mut Vec<String>,
        report: &mut Report,
    ) -> Result<()> {
        let load = Load::start(&server.client(), self.models, self.plan);
        let start = Instant::now();
        let has_rejected = |load: &Load| !lock(&load.responses).rejected.is_empty();
        while start.elapsed() < FILL_TIMEOUT && load.is_running() && !has_rejected(&load) {
            tokio::time::sleep(Duration::from_millis(20)).await;
            // If the content of the load fits on the disk, the filler takes the rest.
            if start.elapsed() > FILL_TIMEOUT / 2 {
                self.disk.fill(MIB)?;
            }
        }
        report.add(if has_rejected(&load) { "full_under_load" } else { "not_full" }, 1);
        tokio::time::sleep(Duration::from_millis(200)).await;
        self.disk.fill(u64::MAX)?;
        let backups = self.disk.mount_point().join("backups");
        if server.back_up(self.fixture, &backups)?.is_ok()
            || fs::read_dir(&backups).is_ok_and(|mut files| files.next().is_some())
        {
            failures.push("a backup succeeded, or left files behind, without free space".to_owned());
        }
        report.add("backups_refused", 1);
        let responses = load.stop(Duration::from_secs(20)).await;
        if !server.is_running()? {
            failures.push(format!("the server has exited: {}", server.output()));
            self.disk.free_space();
            return Ok(());
        }
        if responses.without_reason > 0 || responses.rejected.contains_key("Unavailable/-") {
            failures.push(format!("changes were rejected without a reason: {:?}", responses.rejected));
        }
        for (error, count) in &responses.rejected {
            report.add(format!("rejected_{error}"), *count);
        }
        if !server.serves_searches().await {
            failures.push("a search failed while the disk was full".to_owned());
        }
        self.disk.free_space();
        if !responses.rejected.is_empty() {
            let recovered = self.accepts_changes(&server).await;
            report.add(if recovered { "recovered" } else { "not_recovered" }, 1);
            if !recovered {
                let seconds = RECOVERY_TIMEOUT.as_secs();
                failures.push(format!("there is free space, but no change was accepted for {seconds} s"));
            }
        }
        // On another disk: this one may be too small for a second copy of the store.
        let other_disk = self.disk.mount_point().with_extension("backups");
        if let Err(error) = server.back_up(self.fixture, &other_disk)? {
            failures.push(format!("there is free space, but a backup fails: {error}"));
        }
        server.terminate().await?;
        Ok(())
    }

    /// Returns `true` if changes are accepted again in time.
    async fn accepts_changes(&self, server: &ServerUnderTest) -> bool {
        let small = Plan { merchants: 30, labels: 1, ..self.plan.clone() };
        let load = Load::start(&server.client(), self.models, &small);
        let start = Instant::now();
        while start.elapsed() < RECOVERY_TIMEOUT && lock(&load.responses).ok == 0 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        load.stop(Duration::from_secs(20)).await.ok > 0
    }
}

/// Opens the store and starts a server with free space, and compares the content.
async fn check_restart(
    fixture: &Fixture,
    models: &[SharedModel],
    opener: &mut StoreOpener,
    failures: &mut Vec<String>,
    report: &mut Report,
) -> Result<()> {
    let models = copies(models);
    let mut lost = String::new();
    match opener.open(&fixture.data)? {
        Opened::Content(content) => lost = check(&models, &content, u64::MAX).describe(),
        Opened::Refused(error) | Opened::Crashed(error) => {
            failures.push(format!("the store does not open again: {error}"));
        }
    }
    match fixture.start().await? {
        Ok(server) => lost += &check(&models, &server.content().await?, u64::MAX).describe(),
        Err(error) => failures.push(format!("the server does not start again: {error}")),
    }
    if !lost.is_empty() {
        report.add("lost", 1);
        failures.push(lost);
    }
    Ok(())
}
