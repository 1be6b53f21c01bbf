//! Three brokers on this machine, for the log of a cluster.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use nearby_testkit::command;
use tokio::time::sleep;

use crate::{
    error::{Error, Result, context},
    process::Process,
};

const COUNT: usize = 3;
/// Limit for the brokers to elect a leader.
const TIMEOUT: Duration = Duration::from_secs(60);
const RETRY_PAUSE: Duration = Duration::from_millis(200);

/// Running brokers. Dropping them kills the processes.
pub(crate) struct Brokers {
    /// Their addresses, as `--cluster` takes them.
    pub(crate) addresses: String,
    _processes: Vec<Process>,
}

impl Brokers {
    /// Starts brokers with their files below a directory. They sync each message before they acknowledge it.
    pub(crate) fn start(executable: &Path, directory: &Path) -> Result<Self> {
        let ports = free_ports(2 * COUNT)?;
        let (client_ports, route_ports) = ports.split_at(COUNT);
        let routes: Vec<String> = route_ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        let mut processes = Vec::new();
        for (number, (port, route_port)) in client_ports.iter().zip(route_ports).enumerate() {
            let folder = directory.join(format!("broker-{number}"));
            fs::create_dir_all(&folder).map_err(context("cannot create the directory of a broker"))?;
            let text = format!(
                "server_name: n{number}\nlisten: 127.0.0.1:{port}\nmax_payload: 8MB\n\
                 jetstream {{ store_dir: {}, sync_interval: always }}\n\
                 cluster {{ name: c, listen: 127.0.0.1:{route_port}, routes: [{}] }}\n",
                folder.join("store").display(),
                routes.join(", ")
            );
            let config = folder.join("nats.conf");
            fs::write(&config, text).map_err(context("cannot write the settings of a broker"))?;
            let mut broker = Command::new(executable);
            processes.push(Process::spawn("nats-server", broker.arg("--config").arg(&config), &folder)?);
        }
        let addresses = client_ports.iter().map(|port| format!("nats://127.0.0.1:{port}"));
        Ok(Self { addresses: addresses.collect::<Vec<_>>().join(","), _processes: processes })
    }

    /// Makes a directory the first member of a cluster, once the brokers have a leader.
    pub(crate) async fn init(&self, nearby: &Path, store: &Path) -> Result<()> {
        let start = Instant::now();
        loop {
            let mut init = command(nearby);
            init.args(["cluster", "init", "--cluster", &self.addresses, "--cluster-node", "node"])
                .args(["--max-gib", "2", "--data-dir"])
                .arg(store);
            let output = init.output().map_err(context("cannot run nearby cluster init"))?;
            if output.status.success() {
                return Ok(());
            }
            if start.elapsed() > TIMEOUT {
                return Err(Error::new(String::from_utf8_lossy(&output.stderr).into_owned()));
            }
            sleep(RETRY_PAUSE).await;
        }
    }
}

/// Finds the executable: a path that was given, or the one that `server/cluster/tests` installs.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf> {
    let path = given.map_or_else(|| PathBuf::from("target/ci/nats/bin/nats-server"), Path::to_owned);
    if path.is_file() {
        return Ok(path);
    }
    Err(Error::new(format!(
        "there is no {}: run server/cluster/tests/run.sh, or set --nats-server",
        path.display()
    )))
}

fn free_ports(count: usize) -> Result<Vec<u16>> {
    // All are held until all are known, so that they differ.
    let listeners: std::io::Result<Vec<TcpListener>> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0")).collect();
    let ports = listeners
        .and_then(|listeners| listeners.iter().map(|listener| Ok(listener.local_addr()?.port())).collect());
    ports.map_err(context("cannot find free ports"))
}
