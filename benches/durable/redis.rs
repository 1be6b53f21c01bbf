//! Redis with the same merchants: a sorted set of their places (GEOADD), and the 250 bytes of each under a key of its own.
//!
//! It is started from both forms that its append-only file takes: the plain log of what was sent, and the same rewritten
//! (BGREWRITEAOF, which is a snapshot in the form of RDB), which is the best it has.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use prost::Message;
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    error::{Failed, Result, failed},
    import::size,
    merchants::{Merchants, id},
    process::{PATIENCE, POLL, Process},
    report::Report,
    resp::{Connection, put},
};

/// Merchants whose commands go at once.
const AT_ONCE: usize = 500;

/// Two directories of files, and how long starts from them took.
pub(crate) struct Redis {
    place: PathBuf,
    count: usize,
    log: Vec<Duration>,
    rewritten: Vec<Duration>,
    resident: u64,
}

/// Says which Redis there is; fails where there is none.
pub(crate) async fn version() -> Result<()> {
    let output = spawn_blocking(|| Command::new("redis-server").arg("--version").output()).await;
    let output = output.map_err(failed("cannot ask redis-server for its version"))?;
    let output = output.map_err(failed(
        "there is no redis-server on the PATH (Debian: apt install redis-server); name the other parts to go without",
    ))?;
    println!("# {}", String::from_utf8_lossy(&output.stdout).trim());
    Ok(())
}

impl Redis {
    /// Makes the two directories.
    pub(crate) async fn load(place: &Path, merchants: &Merchants, report: &mut Report) -> Result<Self> {
        let place = place.join("redis");
        let redis = Self {
            count: merchants.count(),
            log: Vec::new(),
            rewritten: Vec::new(),
            resident: 0,
            place: place.clone(),
        };
        let (log, rewritten) = (place.join("log"), place.join("rewritten"));
        fs::create_dir_all(&log).map_err(failed(format!("cannot make {}", log.display())))?;
        // Synced every second only, to save time: it is the same log.
        let mut running = Running::start(&place, &log, "everysec").await?;
        let start = Instant::now();
        running.load(merchants).await?;
        let rate = merchants.count() as f64 / start.elapsed().as_secs_f64();
        report.add("redis_load_per_s", rate, "merchants/s");
        running.stop().await?;

        let what = format!("cannot copy {}", log.display());
        let (from, to) = (log.clone(), rewritten.clone());
        let copied = spawn_blocking(move || copy(&from, &to)).await;
        copied.map_err(failed(&what))?.map_err(failed(&what))?;
        let mut running = Running::start(&place, &rewritten, "everysec").await?;
        running.rewrite().await?;
        running.stop().await?;
        report.add("redis_aof_log_mb", size(&log)? as f64 / 1e6, "MB");
        report.add("redis_aof_mb", size(&rewritten)? as f64 / 1e6, "MB");
        Ok(redis)
    }

    /// Starts once from each.
    pub(crate) async fn turn(&mut self) -> Result<()> {
        let took = self.start("log").await?;
        self.log.push(took);
        let took = self.start("rewritten").await?;
        self.rewritten.push(took);
        Ok(())
    }

    async fn start(&mut self, directory: &str) -> Result<Duration> {
        let mut running = Running::start(&self.place, &self.place.join(directory), "always").await?;
        running.must_hold(self.count).await?;
        let took = running.took;
        self.resident = running.process.memory("VmRSS")?;
        running.stop().await?;
        Ok(took)
    }

    pub(crate) fn add_to(&self, report: &mut Report) {
        report.add_median("redis_restart_log_s", &self.log);
        report.add_median("redis_restart_s", &self.rewritten);
        report.add("redis_rss_mb", self.resident as f64 / 1e6, "MB");
    }
}

/// A server that has loaded its files.
struct Running {
    process: Process,
    connection: Connection,
    /// From its start until it answered.
    took: Duration,
}

impl Running {
    async fn start(place: &Path, directory: &Path, sync: &str) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"]);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", sync]);
        // It rewrites when it is told to: otherwise the plain log would not stay plain.
        command.args(["--auto-aof-rewrite-percentage", "0", "--dir"]).arg(directory);
        let start = Instant::now();
        let mut process = Process::spawn("redis-server", &mut command, place)?;
        let mut open = None;
        loop {
            process.must_run()?;
            if open.is_none() {
                open = Connection::open(port).await;
            }
            // While it loads it answers LOADING.
            if let Some(connection) = &mut open
                && connection.ask(&["PING"]).await? == Ok("PONG".to_owned())
            {
                break;
            }
            if start.elapsed() > PATIENCE {
                return Err(process.failure("does not come to answer"));
            }
            sleep(POLL).await;
        }
        let took = start.elapsed();
        match open {
            Some(connection) => Ok(Self { process, connection, took }),
            None => Err(process.failure("cannot be connected to")),
        }
    }

    async fn load(&mut self, merchants: &Merchants) -> Result<()> {
        let mut commands = Vec::new();
        for first in (0..merchants.count()).step_by(AT_ONCE) {
            let numbers = first..merchants.count().min(first + AT_ONCE);
            let count = 2 * numbers.len();
            commands.clear();
            for number in numbers {
                let (id, place) = (id(number), merchants.place(number));
                let (longitude, latitude) =
                    (place.longitude_deg().to_string(), place.latitude_deg().to_string());
                let words = [
                    b"GEOADD",
                    b"merchants".as_slice(),
                    longitude.as_bytes(),
                    latitude.as_bytes(),
                    id.as_bytes(),
                ];
                put(&mut commands, &words);
                let (key, profile) = (format!("m:{id}"), merchants.profile(number, 0).encode_to_vec());
                put(&mut commands, &[b"SET", key.as_bytes(), &profile]);
            }
            self.connection.send(&commands, count).await?;
        }
        self.must_hold(merchants.count()).await
    }

    /// Fails where it has not all merchants.
    async fn must_hold(&mut self, merchants: usize) -> Result<()> {
        let keys = self.connection.must(&["DBSIZE"]).await?;
        let places = self.connection.must(&["ZCARD", "merchants"]).await?;
        if keys == (merchants + 1).to_string() && places == merchants.to_string() {
            return Ok(());
        }
        Err(Failed::new(format!("redis-server has {keys} keys and {places} places of {merchants} merchants")))
    }

    async fn rewrite(&mut self) -> Result<()> {
        self.connection.must(&["BGREWRITEAOF"]).await?;
        let start = Instant::now();
        loop {
            let state = self.connection.must(&["INFO", "persistence"]).await?;
            let has = |line: &str| state.lines().any(|text| text == line);
            if has("aof_rewrite_in_progress:0") && has("aof_rewrite_scheduled:0") {
                let good = has("aof_last_bgrewrite_status:ok");
                return if good { Ok(()) } else { Err(self.process.failure("could not rewrite its log")) };
            }
            if start.elapsed() > PATIENCE {
                return Err(self.process.failure("does not finish to rewrite its log"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// With SIGTERM, which without save points writes no snapshot.
    async fn stop(self) -> Result<()> {
        drop(self.connection);
        self.process.terminate().await?;
        Ok(())
    }
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16> {
    let what = "cannot find a free port";
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(failed(what))?;
    Ok(listener.local_addr().map_err(failed(what))?.port())
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
