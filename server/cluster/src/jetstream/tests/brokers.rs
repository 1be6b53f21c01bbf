//! Brokers as processes, on free ports.

use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nearby_testkit::CertificateAuthority;
use nkeys::KeyPair;
use tokio::runtime::Runtime;

use super::{
    super::{Administrator, JetStreamError, JetStreamLog, JetStreamSettings, LogShape, TlsFiles},
    CLUSTER, MAX_WAIT,
};
use crate::{
    identity::{ClusterId, NodeName, Sequence},
    log::LogEvent,
};

/// Nodes for which secured brokers have a user.
pub(super) const NODES: [&str; 3] = ["node", "node-1", "node-2"];
/// Streams for which these users have rights.
const SECURED_STREAMS: usize = 16;

/// Brokers on free ports, killed at the end.
pub(super) struct Brokers {
    binary: String,
    directory: tempfile::TempDir,
    client_ports: Vec<u16>,
    pub(super) processes: Vec<Child>,
    pub(super) runtime: Runtime,
    streams: AtomicUsize,
    security: Option<Security>,
}

/// Credentials that brokers require.
struct Security {
    tls: TlsFiles,
    /// Users by node, with the rights of a node.
    nodes: Vec<(&'static str, KeyPair)>,
    administrator: KeyPair,
}

impl Security {
    fn new(directory: &Path) -> Self {
        let authority = CertificateAuthority::new().unwrap();
        let write = |name: &str, pem: &str| {
            let path = directory.join(name);
            fs::write(&path, pem).unwrap();
            path
        };
        let issue = |file: &str, name: &str| {
            let (certificate, key) = authority.issue(name).unwrap();
            (write(&format!("{file}.pem"), &certificate), write(&format!("{file}.key"), &key))
        };
        drop(issue("broker", "127.0.0.1"));
        let certificate = Some(issue("client", "node.example"));
        Self {
            tls: TlsFiles { authorities: write("ca.pem", &authority.pem()), certificate },
            nodes: NODES.map(|node| (node, KeyPair::new_user())).into(),
            administrator: KeyPair::new_user(),
        }
    }

    /// Returns the part of a broker's configuration: TLS with client certificates, and users with the rights that
    /// `server/CLUSTER.md` lists.
    fn config(&self, directory: &Path) -> String {
        let file = |name: &str| directory.join(name);
        let tls = format!(
            "tls {{ cert_file: {:?}, key_file: {:?}, ca_file: {:?}, verify: true }}\n",
            file("broker.pem"),
            file("broker.key"),
            file("ca.pem")
        );
        let user =
            |key: &KeyPair, permissions: &str| format!("{{ nkey: {}{permissions} }}", key.public_key());
        let mut users = vec![user(&self.administrator, "")];
        for (node, key) in &self.nodes {
            let publish = (0..SECURED_STREAMS).flat_map(|number| rights(&format!("TEST{number}")));
            let publish: Vec<String> = publish.map(|subject| format!("{subject:?}")).collect();
            let mut subscribe = vec![format!("\"_INBOX.{node}.>\"")];
            subscribe.extend((0..SECURED_STREAMS).map(|number| format!("\"test{number}.node.*\"")));
            let (publish, subscribe) = (publish.join(", "), subscribe.join(", "));
            let permissions = format!(", permissions {{ publish: [{publish}], subscribe: [{subscribe}] }}");
            users.push(user(key, &permissions));
        }
        format!("{tls}authorization {{ users: [{}] }}\n", users.join(", "))
    }

    fn seed(&self, node: &str) -> String {
        let of_node = self.nodes.iter().find(|(name, _)| *name == node).map(|(_, key)| key);
        let key = of_node.or(["admin", "init"].contains(&node).then_some(&self.administrator));
        key.expect("there is no such user").seed().unwrap()
    }
}

/// Subjects on which a node publishes.
fn rights(stream: &str) -> Vec<String> {
    let prefix = stream.to_lowercase();
    let mut subjects = vec![format!("{prefix}.log"), format!("{prefix}.node.*")];
    let api = ["STREAM.INFO.S", "STREAM.MSG.GET.S", "CONSUMER.CREATE.S", "CONSUMER.CREATE.S.>"];
    let consumer = ["CONSUMER.INFO.S.>", "CONSUMER.DELETE.S.>", "CONSUMER.MSG.NEXT.S.>"];
    let names = api.into_iter().chain(consumer);
    subjects.extend(names.map(|name| format!("$JS.API.{}", name.replace(".S", &format!(".{stream}")))));
    subjects
}

impl Brokers {
    pub(super) fn start(count: usize) -> Arc<Self> {
        Self::launch_all(count, |_| None)
    }

    /// Starts brokers that require client certificates and nkeys.
    pub(super) fn start_secured(count: usize) -> Arc<Self> {
        Self::launch_all(count, |directory| Some(Security::new(directory)))
    }

    fn launch_all(count: usize, security: impl Fn(&Path) -> Option<Security>) -> Arc<Self> {
        let binary = std::env::var("NEARBY_NATS_SERVER").expect("run server/cluster/tests/run.sh");
        // All ports are held until all are known, so that they differ.
        let listeners: Vec<TcpListener> =
            (0..2 * count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> =
            listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        drop(listeners);
        let (client_ports, cluster_ports) = ports.split_at(count);
        let directory = tempfile::tempdir().unwrap();
        let security = security(directory.path());
        let routes: Vec<String> =
            cluster_ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect();
        for number in 0..count {
            let store = directory.path().join(format!("store-{number}"));
            let mut config = format!(
                "server_name: n{number}\nlisten: 127.0.0.1:{}\nmax_payload: 8MB\nmax_pending: 64MB\n\
                 jetstream {{ store_dir: {store:?}, max_mem: 64MB, max_file: 4GB, sync_interval: always }}\n",
                client_ports[number]
            );
            if count > 1 {
                let cluster = cluster_ports[number];
                config += &format!(
                    "cluster {{ name: test, listen: 127.0.0.1:{cluster}, routes: [{}] }}\n",
                    routes.join(", ")
                );
            }
            if let Some(security) = &security {
                config += &security.config(directory.path());
            }
            fs::write(directory.path().join(format!("{number}.conf")), config).unwrap();
        }
        let client_ports = client_ports.to_vec();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let mut brokers = Self {
            binary,
            directory,
            client_ports,
            processes: Vec::new(),
            runtime,
            streams: AtomicUsize::new(0),
            security,
        };
        for number in 0..count {
            let process = brokers.launch(number);
            brokers.processes.push(process);
        }
        Arc::new(brokers)
    }

    pub(super) fn launch(&self, number: usize) -> Child {
        let log = self.directory.path().join(format!("{number}.log"));
        let log = fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        let config = self.directory.path().join(format!("{number}.conf"));
        let mut command = Command::new(&self.binary);
        command.arg("--config").arg(config).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        command.spawn().unwrap()
    }

    /// Kills a broker without notice, and starts it again after a while.
    pub(super) fn restart(&mut self, number: usize, downtime: Duration) {
        self.processes[number].kill().unwrap();
        self.processes[number].wait().unwrap();
        thread::sleep(downtime);
        self.processes[number] = self.launch(number);
    }

    pub(super) fn settings(&self, stream: &str, node: &str) -> JetStreamSettings {
        JetStreamSettings {
            servers: self.client_ports.iter().map(|port| format!("nats://127.0.0.1:{port}")).collect(),
            stream: stream.to_owned(),
            node: NodeName::parse(node).unwrap(),
            nkey_seed: self.security.as_ref().map(|security| security.seed(node)),
            tls: self.security.as_ref().map(|security| security.tls.clone()),
            allow_older_brokers: false,
        }
    }

    /// Creates an empty stream and returns its name. Brokers that start refuse at first.
    pub(super) fn create(&self, replicas: usize) -> String {
        let stream = format!("TEST{}", self.streams.fetch_add(1, Ordering::Relaxed));
        let start = Instant::now();
        while let Err(error) = self.try_create(&stream, CLUSTER, replicas) {
            assert!(start.elapsed() < MAX_WAIT, "{error}");
            thread::sleep(Duration::from_millis(100));
        }
        stream
    }

    pub(super) fn try_create(
        &self,
        stream: &str,
        cluster: ClusterId,
        replicas: usize,
    ) -> Result<(), JetStreamError> {
        let shape = LogShape { replicas, max_bytes: 256 * 1024 * 1024, first: Sequence(1) };
        self.runtime.block_on(async {
            Administrator::connect(&self.settings(stream, "admin")).await?.create(cluster, shape).await
        })
    }

    pub(super) fn connect(&self, stream: &str, node: &str) -> JetStreamLog {
        JetStreamLog::connect(self.settings(stream, node), self.runtime.handle()).unwrap()
    }
}

impl Brokers {
    /// A log whose connection is established: without one, requests are not answered.
    pub(super) fn connected(&self, stream: &str, node: &str) -> JetStreamLog {
        let (mut log, start) = (self.connect(stream, node), Instant::now());
        while log.wait(Duration::from_millis(100)) != Some(LogEvent::Reconnected) {
            assert!(start.elapsed() < MAX_WAIT, "there is no connection");
        }
        log
    }
}

impl Drop for Brokers {
    fn drop(&mut self) {
        for process in &mut self.processes {
            drop(process.kill());
            drop(process.wait());
        }
    }
}

/// A fault of one of three brokers.
#[derive(Clone, Copy, Debug)]
pub(super) enum Disturbance {
    /// It is killed, and started again after a second.
    Kill(usize),
    /// It hangs for three seconds.
    Stop(usize),
}

impl Brokers {
    pub(super) fn disturb(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Kill(number) => self.restart(number, Duration::from_secs(1)),
            Disturbance::Stop(number) => {
                self.signal(number, "-STOP");
                thread::sleep(Duration::from_secs(3));
                self.signal(number, "-CONT");
            }
        }
    }

    fn signal(&self, number: usize, signal: &str) {
        let process = self.processes[number].id().to_string();
        assert!(Command::new("kill").args([signal, &process]).status().unwrap().success());
    }
}
