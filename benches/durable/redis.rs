//! Redis with the same merchants: a sorted set of their locations (`GEOADD`), and the 250 bytes of each under a key of its own.
//!
//! Redis is started from both forms of its append-only file: the plain log of commands, and the rewritten one (`BGREWRITEAOF`,
//! a snapshot in RDB format), which loads fastest.

use std::{
    fs, io,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use ::redis::{Client, ErrorKind, FromRedisValue, aio::MultiplexedConnection, cmd, pipe};
use prost::Message;
use tokio::{task::spawn_blocking, time::sleep};

use crate::{
    error::{Error, Result, context},
    import::disk_usage,
    merchants::{Merchants, id},
    process::{POLL, Process, TIMEOUT},
    report::Report,
};

/// Merchants per pipeline.
const BATCH: usize = 500;

/// Two data directories, and the times of starts from them.
pub(crate) struct Redis {
    directory: PathBuf,
    count: usize,
    log: Vec<Duration>,
    rewritten: Vec<Duration>,
    resident: u64,
}

/// Prints the version of Redis; fails if it is not installed.
pub(crate) async fn version() -> Result<()> {
    let output = spawn_blocking(|| Command::new("redis-server").arg("--version").output()).await;
    let output = output.map_err(context("cannot run redis-server --version"))?;
    let output = output.map_err(context(
        "no redis-server on the PATH; install it (Debian: apt install redis-server) or name the other parts",
    ))?;
    println!("# {}", String::from_utf8_lossy(&output.stdout).trim());
    Ok(())
}

impl Redis {
    /// Creates the two data directories.
    pub(crate) async fn load(directory: &Path, merchants: &Merchants, report: &mut Report) -> Result<Self> {
        let directory = directory.join("redis");
        let redis = Self {
            count: merchants.count(),
            log: Vec::new(),
            rewritten: Vec::new(),
            resident: 0,
            directory: directory.clone(),
        };
        let (log, rewritten) = (directory.join("log"), directory.join("rewritten"));
        fs::create_dir_all(&log).map_err(context(format!("cannot create {}", log.display())))?;
        // Synced once per second to save time: the log is the same.
        let mut server = RedisServer::start(&directory, &log, "everysec").await?;
        let start = Instant::now();
        server.load(merchants).await?;
        let rate = merchants.count() as f64 / start.elapsed().as_secs_f64();
        report.add("redis_load_per_s", rate, "merchants/s");
        server.stop().await?;

        let operation = format!("cannot copy {}", log.display());
        let (from, to) = (log.clone(), rewritten.clone());
        let copied = spawn_blocking(move || copy(&from, &to)).await;
        copied.map_err(context(&operation))?.map_err(context(&operation))?;
        let mut server = RedisServer::start(&directory, &rewritten, "everysec").await?;
        server.rewrite().await?;
        server.stop().await?;
        report.add("redis_aof_log_mb", disk_usage(&log)? as f64 / 1e6, "MB");
        report.add("redis_aof_mb", disk_usage(&rewritten)? as f64 / 1e6, "MB");
        Ok(redis)
    }

    /// Starts once from each directory.
    pub(crate) async fn round(&mut self) -> Result<()> {
        let took = self.start("log").await?;
        self.log.push(took);
        let took = self.start("rewritten").await?;
        self.rewritten.push(took);
        Ok(())
    }

    async fn start(&mut self, data: &str) -> Result<Duration> {
        let mut server = RedisServer::start(&self.directory, &self.directory.join(data), "always").await?;
        server.check_count(self.count).await?;
        let took = server.took;
        self.resident = server.process.memory("VmRSS")?;
        server.stop().await?;
        Ok(took)
    }

    pub(crate) fn add_to(&self, report: &mut Report) {
        report.add_median("redis_restart_log_s", &self.log);
        report.add_median("redis_restart_s", &self.rewritten);
        report.add("redis_rss_mb", self.resident as f64 / 1e6, "MB");
    }
}

/// A server that has loaded its files.
struct RedisServer {
    process: Process,
    connection: MultiplexedConnection,
    /// Time from start to the first PONG.
    took: Duration,
}

impl RedisServer {
    async fn start(directory: &Path, data: &Path, sync: &str) -> Result<Self> {
        let port = free_port()?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--daemonize", "no"]);
        command.args(["--save", "", "--appendonly", "yes", "--appendfsync", sync]);
        // Automatic rewrites are off, so that the plain log stays plain.
        command.args(["--auto-aof-rewrite-percentage", "0", "--dir"]).arg(data);
        let client = Client::open(format!("redis://127.0.0.1:{port}/")).map_err(context("redis address"))?;
        let start = Instant::now();
        let mut process = Process::spawn("redis-server", &mut command, directory)?;
        let mut connection = None;
        loop {
            process.check_running()?;
            if connection.is_none() {
                connection = client.get_multiplexed_async_connection().await.ok();
            }
            if let Some(connection) = &mut connection {
                match cmd("PING").query_async::<String>(connection).await {
                    Ok(_) => break,
                    // Redis responds LOADING until its files are loaded.
                    Err(error) if error.kind() == ErrorKind::BusyLoadingError => {}
                    Err(error) => return Err(context("redis-server failed")(error)),
                }
            }
            if start.elapsed() > TIMEOUT {
                return Err(process.failure("does not become ready"));
            }
            sleep(POLL).await;
        }
        let took = start.elapsed();
        match connection {
            Some(connection) => Ok(Self { process, connection, took }),
            None => Err(process.failure("does not accept connections")),
        }
    }

    async fn load(&mut self, merchants: &Merchants) -> Result<()> {
        for first in (0..merchants.count()).step_by(BATCH) {
            let mut commands = pipe();
            for number in first..merchants.count().min(first + BATCH) {
                let (id, location) = (id(number), merchants.location(number));
                let (longitude, latitude) =
                    (location.longitude_deg().to_string(), location.latitude_deg().to_string());
                commands.cmd("GEOADD").arg("merchants").arg(longitude).arg(latitude).arg(&id).ignore();
                let profile = merchants.profile(number, 0).encode_to_vec();
                commands.cmd("SET").arg(format!("m:{id}")).arg(profile).ignore();
            }
            commands
                .query_async::<()>(&mut self.connection)
                .await
                .map_err(context("redis-server rejected merchants"))?;
        }
        self.check_count(merchants.count()).await
    }

    /// Fails if a merchant is missing.
    async fn check_count(&mut self, merchants: usize) -> Result<()> {
        let keys: usize = self.query(&["DBSIZE"]).await?;
        let locations: usize = self.query(&["ZCARD", "merchants"]).await?;
        if keys == merchants + 1 && locations == merchants {
            return Ok(());
        }
        Err(Error::new(format!(
            "redis-server has {keys} keys and {locations} locations of {merchants} merchants"
        )))
    }

    async fn rewrite(&mut self) -> Result<()> {
        self.query::<String>(&["BGREWRITEAOF"]).await?;
        let start = Instant::now();
        loop {
            let state: String = self.query(&["INFO", "persistence"]).await?;
            let has = |line: &str| state.lines().any(|text| text == line);
            if has("aof_rewrite_in_progress:0") && has("aof_rewrite_scheduled:0") {
                let is_ok = has("aof_last_bgrewrite_status:ok");
                return if is_ok { Ok(()) } else { Err(self.process.failure("could not rewrite its log")) };
            }
            if start.elapsed() > TIMEOUT {
                return Err(self.process.failure("does not finish rewriting its log"));
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    /// Runs a command.
    async fn query<T: FromRedisValue>(&mut self, words: &[&str]) -> Result<T> {
        let mut command = cmd(words[0]);
        for word in &words[1..] {
            command.arg(word);
        }
        let failed = context(format!("redis-server rejected {}", words.join(" ")));
        command.query_async(&mut self.connection).await.map_err(failed)
    }

    /// Stops with SIGTERM. Without save points Redis writes no snapshot then.
    async fn stop(self) -> Result<()> {
        drop(self.connection);
        self.process.terminate().await?;
        Ok(())
    }
}

/// Returns a port that is free at this moment.
fn free_port() -> Result<u16> {
    let operation = "cannot find a free port";
    let listener = TcpListener::bind(("127.0.0.1", 0)).map_err(context(operation))?;
    Ok(listener.local_addr().map_err(context(operation))?.port())
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
