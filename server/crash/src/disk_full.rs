//! The disk is full, at a random moment, and has room again later.

use std::{
    fs,
    io::Write,
    path::PathBuf,
    process::{Command, ExitCode},
    time::{Duration, Instant},
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use crate::{
    Args, Outcome,
    check::{Look, Looker},
    child::{Place, Server},
    load::{Clock, Load, Plan, Shared, copies, models},
    model::check,
    random_of,
    report::Report,
};

#[derive(Clone, Debug, clap::Args)]
pub(crate) struct FullArgs {
    #[command(flatten)]
    args: Args,

    /// Size of the disk, in MiB
    #[arg(long, default_value_t = 48, value_name = "MIB")]
    size: u64,
}

const WORKERS: usize = 6;
const MIB: u64 = 1024 * 1024;
/// How long writes may go on being refused once there is room.
const PATIENCE: Duration = Duration::from_secs(10);
/// How long the disk may take to fill.
const FILLING: Duration = Duration::from_secs(6);
/// Says that this process is within a name space of its own already.
const WITHIN: &str = "CRASH_WITHIN";
/// sysexits.h: what is needed is not there.
const UNAVAILABLE: u8 = 69;

/// A small disk, for as long as this is held.
struct Disk {
    at: PathBuf,
}

impl Disk {
    fn mount(at: PathBuf, size_mib: u64) -> Outcome<Option<Self>> {
        fs::create_dir_all(&at)?;
        let size = format!("size={size_mib}m");
        let output = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output()?;
        Ok(output.status.success().then_some(Self { at }))
    }

    /// A file that takes up room.
    fn filler(&self) -> PathBuf {
        self.at.join("filler")
    }

    /// Makes the filler so long; where there is no room for it, as long as there is.
    fn fill(&self, mut bytes: u64) -> Outcome<()> {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.filler())?;
        let mut piece = vec![1; 4_096];
        while bytes > 0 {
            piece.truncate(usize::try_from(bytes).unwrap_or(usize::MAX));
            if file.write_all(&piece).is_err() {
                break;
            }
            bytes -= piece.len() as u64;
        }
        Ok(())
    }

    fn make_room(&self) {
        drop(fs::remove_file(self.filler()));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        drop(Command::new("umount").arg("-l").arg(&self.at).output());
    }
}

pub(crate) async fn run(args: FullArgs) -> Outcome<ExitCode> {
    let mut report = Report::new("disk-full", &args.args);
    let work = args.args.work()?;
    if Disk::mount(work.path().join("try"), 1)?.is_none() {
        return within(&report);
    }
    let mut looker = Looker::new(work.path().join("looker.log"));
    for key in ["cases", "full_in_start", "full_under_load", "not_full", "mended", "not_mended", "lost"] {
        report.add(key, 0);
    }
    for case in args.args.cases() {
        let mount = work.path().join(format!("disk-{case}"));
        let Some(disk) = Disk::mount(mount, args.size)? else { return within(&report) };
        let mut random = random_of(args.args.seed, case);
        report.add("cases", 1);
        let beside = work.path().join(format!("beside-{case}"));
        fs::create_dir_all(&beside)?;
        let place = Place { data: disk.at.join("data"), beside };
        let wrong = one(&args, &disk, &place, &mut random, &mut looker, &mut report).await?;
        if !wrong.is_empty() {
            report.fail(case, &wrong.join("; "), &[("data", &place.data), ("beside", &place.beside)])?;
        }
    }
    report.finish()
}

/// Runs this again in a name space in which it may mount.
fn within(report: &Report) -> Outcome<ExitCode> {
    if std::env::var_os(WITHIN).is_none() {
        let status = Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount"])
            .arg(std::env::current_exe()?)
            .args(std::env::args_os().skip(1))
            .env(WITHIN, "1")
            .status();
        if let Ok(status) = status
            && let Some(code) = status.code()
        {
            return Ok(ExitCode::from(u8::try_from(code).unwrap_or(UNAVAILABLE)));
        }
    }
    report.say("disk-full needs to mount a small disk: run it as root, or allow user name spaces")?;
    Ok(ExitCode::from(UNAVAILABLE))
}

/// Fills a disk and makes room again; what was wrong.
async fn one(
    args: &FullArgs,
    disk: &Disk,
    place: &Place,
    random: &mut Pcg64Mcg,
    looker: &mut Looker,
    report: &mut Report,
) -> Outcome<Vec<String>> {
    let mut wrong = Vec::new();
    let models = models(WORKERS);
    let plan = Plan {
        clock: Clock::Still,
        seed: random.random(),
        goes_on: true,
        merchants: 150,
        labels: [3, 20][random.random_range(0..2)],
    };
    if random.random_bool(0.3) {
        // Some content, and then a start on a disk that is nearly full.
        let running = Server::must_start(place, &[]).await?;
        let load = Load::start(&running, &models, &Plan { merchants: 30, labels: 1, ..plan.clone() })?;
        tokio::time::sleep(Duration::from_millis(50)).await;
        load.stop(Duration::from_secs(20)).await;
        running.terminate().await?;
        disk.fill(args.size * MIB)?;
        let room = [0, 4_096, 64 * 1_024, MIB, 6 * MIB][random.random_range(0..5)];
        shorten(disk, room)?;
    } else {
        disk.fill(random.random_range(0..args.size * MIB * 9 / 10))?;
    }
    match Server::start(place).await? {
        Err(refusal) => {
            report.add("full_in_start", 1);
            if refusal.status.is_none_or(|status| status.code().is_none())
                || !refusal.said.contains("nearby: ")
            {
                wrong.push(format!("the start ended with {:?}: {}", refusal.status, refusal.said));
            }
            disk.make_room();
        }
        Ok(running) => loaded(disk, running, &models, &plan, &mut wrong, report).await?,
    }
    again(place, &models, looker, &mut wrong, report).await?;
    Ok(wrong)
}

/// Leaves so much room beside the filler.
fn shorten(disk: &Disk, room: u64) -> Outcome<()> {
    let file = fs::OpenOptions::new().write(true).open(disk.filler())?;
    let length = file.metadata()?.len();
    file.set_len(length.saturating_sub(room))?;
    Ok(())
}

async fn loaded(
    disk: &Disk,
    mut running: Server,
    models: &[Shared],
    plan: &Plan,
    wrong: &mut Vec<String>,
    report: &mut Report,
) -> Outcome<()> {
    let load = Load::start(&running, models, plan)?;
    let begun = Instant::now();
    let is_refused = |load: &Load| !crate::load::held(&load.answers).refused.is_empty();
    while begun.elapsed() < FILLING && load.goes_on() && !is_refused(&load) {
        tokio::time::sleep(Duration::from_millis(20)).await;
        // A store that fits is helped along.
        if begun.elapsed() > FILLING / 2 {
            disk.fill(MIB)?;
        }
    }
    report.add(if is_refused(&load) { "full_under_load" } else { "not_full" }, 1);
    tokio::time::sleep(Duration::from_millis(200)).await;
    disk.fill(u64::MAX)?;
    let backups = disk.at.join("backups");
    if running.back_up(&backups)?.is_ok()
        || fs::read_dir(&backups).is_ok_and(|mut left| left.next().is_some())
    {
        wrong.push("a backup was made, or something of it left behind, without room".to_owned());
    }
    report.add("backups_refused", 1);
    let answers = load.stop(Duration::from_secs(20)).await;
    if !running.is_alive()? {
        wrong.push(format!("the server has ended: {}", running.said()));
        disk.make_room();
        return Ok(());
    }
    if answers.unreasoned > 0 || answers.refused.contains_key("Unavailable/-") {
        wrong.push(format!("refusals without a reason: {:?}", answers.refused));
    }
    for (what, count) in &answers.refused {
        report.add(format!("refused_{what}"), *count);
    }
    if !running.answers_searches().await? {
        wrong.push("a search is not answered while the disk is full".to_owned());
    }
    disk.make_room();
    if !answers.refused.is_empty() {
        let mended = mends(&running, models, plan).await?;
        report.add(if mended { "mended" } else { "not_mended" }, 1);
        if !mended {
            wrong.push(format!("there is room, but no write was accepted for {} s", PATIENCE.as_secs()));
        }
    }
    // Elsewhere: the store may leave no room for a second copy of all beside itself.
    let elsewhere = disk.at.with_extension("backups");
    if let Err(why) = running.back_up(&elsewhere)? {
        wrong.push(format!("there is room, but no backup is made: {why}"));
    }
    running.terminate().await?;
    Ok(())
}

/// Whether writes are accepted in time.
async fn mends(running: &Server, models: &[Shared], plan: &Plan) -> Outcome<bool> {
    let load = Load::start(running, models, &Plan { merchants: 30, labels: 1, ..plan.clone() })?;
    let begun = Instant::now();
    while begun.elapsed() < PATIENCE && crate::load::held(&load.answers).ok == 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(load.stop(Duration::from_secs(20)).await.ok > 0)
}

/// Starts on what is left, with room, and compares.
async fn again(
    place: &Place,
    models: &[Shared],
    looker: &mut Looker,
    wrong: &mut Vec<String>,
    report: &mut Report,
) -> Outcome<()> {
    let models = copies(models);
    let mut lost = String::new();
    match looker.look(&place.data)? {
        Look::Opened(content) => lost = check(&models, &content, u64::MAX).words(),
        Look::Refused(why) | Look::Broke(why) => wrong.push(format!("it does not open again: {why}")),
    }
    match Server::start(place).await? {
        Ok(running) => lost += &check(&models, &running.content().await?, u64::MAX).words(),
        Err(refusal) => wrong.push(format!("it does not start again: {}", refusal.said)),
    }
    if !lost.is_empty() {
        report.add("lost", 1);
        wrong.push(lost);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
    use super::*;

    #[test]
    fn a_filler_leaves_the_room_it_is_told() {
        let directory = tempfile::tempdir().unwrap();
        // Not mounted: the lazy unmount of what is no mount does nothing.
        let disk = Disk { at: directory.path().to_owned() };
        disk.fill(10_000).unwrap();
        shorten(&disk, 1_000).unwrap();
        assert_eq!(fs::metadata(disk.filler()).unwrap().len(), 9_000);
        assert!(!disk.at.join("data").exists());
    }
}
