//! Tests against real brokers, which `server/cluster/tests/run.sh` installs and `cargo test` leaves out.

mod brokers;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use nearby_index::UnixMicros;

use self::brokers::{Brokers, Disturbance};
use super::*;
use crate::{
    conformance::{self, Fixture, Opened},
    identity::{ClusterId, CommitId, ProcessId, Sequence},
    message::{Header, NEWEST_FORMAT},
    protocol::{
        Action, Config, Fault, Now, Protocol,
        tests::model::{self, Outcome, Submission, TestReplica},
    },
    replica::Replica,
};

const CLUSTER: ClusterId = ClusterId([0xC1; 16]);
/// Bound of each wait. Elections take up to ten seconds.
const MAX_WAIT: Duration = Duration::from_secs(120);

impl JetStreamLog {
    /// Waits for the next event.
    fn wait(&mut self, timeout: Duration) -> Option<LogEvent> {
        self.events.recv_timeout(timeout).ok()
    }
}

fn run_conformance(brokers: &Arc<Brokers>, replicas: usize) {
    conformance::run(|| {
        let (stream, brokers) = (brokers.create(replicas), Arc::clone(brokers));
        Fixture {
            open: Box::new(move || Opened {
                log: Box::new(brokers.connected(&stream, "node")),
                recovered: None,
            }),
            pause: || thread::sleep(Duration::from_millis(1)),
        }
    });
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn a_single_broker_passes_conformance_suite() {
    run_conformance(&Brokers::start(1), 1);
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn three_brokers_pass_conformance_suite() {
    run_conformance(&Brokers::start(3), 3);
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn a_stream_of_another_cluster_is_not_taken_over() {
    let brokers = Brokers::start(1);
    let stream = brokers.create(1);
    brokers.try_create(&stream, CLUSTER, 1).unwrap();
    let error = brokers.try_create(&stream, ClusterId([2; 16]), 1).unwrap_err();
    assert!(error.to_string().contains("nearby.cluster"), "{error}");
}

/// As a log is made again that its brokers have lost.
#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn a_log_can_begin_at_any_sequence() {
    let brokers = Brokers::start(1);
    drop(brokers.create(1));
    brokers.runtime.block_on(async {
        let administrator = Administrator::connect(&brokers.settings("LATER", "admin")).await.unwrap();
        let shape = LogShape { replicas: 1, max_bytes: 64 << 20, first: Sequence(1_000) };
        administrator.create(CLUSTER, shape).await.unwrap();
        let (first, last) = (Sequence(1_000), Sequence(999));
        let described = administrator.describe().await.unwrap();
        assert_eq!(described, Some(LogDescription { cluster: Some(CLUSTER), first, last }));
        let message = bytes::Bytes::from_static(b"message");
        assert!(!administrator.publish(Sequence(998), message.clone()).await.unwrap());
        assert!(administrator.publish(last, message.clone()).await.unwrap());
        assert_eq!(administrator.read(first).await.unwrap(), Some(message));
        administrator.delete().await.unwrap();
        assert_eq!(administrator.describe().await.unwrap(), None);
    });
}

/// A node under test, on a thread of its own.
struct Node {
    applied: Arc<AtomicU64>,
    thread: thread::JoinHandle<Ended>,
}

/// The end of a node.
struct Ended {
    replica: TestReplica,
    acknowledged: Vec<(Submission, Outcome, Sequence)>,
    fault: Option<Fault>,
}

/// Signals to all nodes, and the number of commands that they have acknowledged.
#[derive(Default)]
struct Control {
    is_writing: AtomicBool,
    is_stopped: AtomicBool,
    acknowledged: AtomicU64,
    submissions: AtomicU64,
}

fn now(start: Instant) -> Now {
    let micros = i64::try_from(start.elapsed().as_micros()).unwrap();
    Now { monotonic: start.elapsed(), clock: UnixMicros(1_700_000_000_000_000 + micros) }
}

fn start_node(brokers: &Brokers, stream: &str, number: u8, control: &Arc<Control>) -> Node {
    let (name, start) = (format!("node-{number}"), Instant::now());
    let mut log = brokers.connect(stream, &name);
    let config = Config {
        cluster: CLUSTER,
        node: NodeName::parse(&name).unwrap(),
        process: ProcessId([number; 16]),
        address: String::new(),
        max_format: NEWEST_FORMAT,
        settings: required_settings(&brokers.settings(stream, &name), CLUSTER),
        max_lag: 10,
        derive_fields: Arc::new(|stored| stored),
    };
    let mut protocol: Protocol<TestReplica, Vec<(Submission, Outcome)>> =
        Protocol::new(config, TestReplica::new(), start.elapsed());
    let (applied, control) = (Arc::new(AtomicU64::new(0)), Arc::clone(control));
    let shown = Arc::clone(&applied);
    let thread = thread::spawn(move || {
        let (mut acknowledged, mut again) = (Vec::new(), Vec::new());
        while !control.is_stopped.load(Ordering::Relaxed) {
            let until = protocol.next_tick(start.elapsed());
            let event = log.wait(until.saturating_sub(start.elapsed()).min(Duration::from_millis(5)));
            match event {
                Some(event) => protocol.handle(now(start), event),
                None => protocol.tick(now(start)),
            }
            if protocol.blocked(now(start)).is_none() {
                let mut batch: Vec<Submission> = std::mem::take(&mut again);
                if batch.is_empty() && control.is_writing.load(Ordering::Relaxed) {
                    let count = control.submissions.fetch_add(3, Ordering::Relaxed);
                    batch.extend((count..count + 3).map(submission));
                }
                if !batch.is_empty() {
                    let time = protocol.log_time(now(start));
                    let (decided, outcomes) = protocol.replica().decide(&batch, time);
                    let ticket = batch.into_iter().zip(outcomes).collect();
                    protocol.propose(now(start), decided, ticket).map_err(|(_, error)| error).unwrap();
                }
            }
            for action in protocol.take_actions() {
                match action {
                    Action::Log(action) => action.perform(&mut log),
                    Action::Acknowledge(ticket, sequence) => {
                        control.acknowledged.fetch_add(ticket.len() as u64, Ordering::Relaxed);
                        let answered = ticket.into_iter();
                        acknowledged
                            .extend(answered.map(|(submission, outcome)| (submission, outcome, sequence)));
                    }
                    Action::DecideAgain(ticket) => {
                        again.extend(ticket.into_iter().map(|(submission, _)| submission))
                    }
                    action => panic!("{action:?}"),
                }
            }
            shown.store(protocol.replica().position().applied.0, Ordering::Relaxed);
        }
        let fault = protocol.status(now(start)).fault;
        Ended { replica: protocol.into_parts().0, acknowledged, fault }
    });
    Node { applied, thread }
}

fn submission(number: u64) -> Submission {
    let id = u8::try_from(number % 17).unwrap();
    let command = match number % 5 {
        0 => model::Command::Create(id),
        1 => model::Command::Delete(id),
        _ => model::Command::Put(id),
    };
    Submission { number, command, acknowledged_before: Sequence::ZERO }
}

fn wait_for(what: &str, condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < MAX_WAIT, "not reached: {what}");
        thread::sleep(Duration::from_millis(10));
    }
}

fn publish_genesis(brokers: &Brokers, stream: &str) {
    let commit = CommitId { process: ProcessId([0; 16]), counter: 0 };
    let state = TestReplica::new().digest();
    let genesis = Header::genesis(CLUSTER, (commit, NodeName::parse("init").unwrap()), state, UnixMicros(0));
    let message = genesis.encode_empty().unwrap();
    brokers.runtime.block_on(async {
        let administrator = Administrator::connect(&brokers.settings(stream, "init")).await.unwrap();
        assert!(administrator.publish(Sequence::ZERO, message.clone()).await.unwrap());
        assert!(!administrator.publish(Sequence::ZERO, message.clone()).await.unwrap(), "it has a message");
        let described = administrator.describe().await.unwrap();
        let (first, last) = (Sequence(1), Sequence(1));
        assert_eq!(described, Some(LogDescription { cluster: Some(CLUSTER), first, last }));
        assert_eq!(administrator.read(Sequence(1)).await.unwrap(), Some(message));
        assert_eq!(administrator.read(Sequence(2)).await.unwrap(), None);
        let other = Administrator::connect(&brokers.settings("NONE", "init")).await.unwrap();
        assert_eq!(other.describe().await.unwrap(), None);
    });
}

/// Two nodes write without a pause while brokers fail one after the other. Checks that everything is answered, and that both
/// nodes have applied what was acknowledged, once.
fn write_while(mut brokers: Arc<Brokers>, disturbances: &[Disturbance]) {
    let stream = brokers.create(3);
    publish_genesis(&brokers, &stream);
    let control = Arc::new(Control::default());
    let nodes: Vec<Node> = (1..=2).map(|number| start_node(&brokers, &stream, number, &control)).collect();
    control.is_writing.store(true, Ordering::Relaxed);
    let acknowledged = || control.acknowledged.load(Ordering::Relaxed);
    wait_for("the first writes", || acknowledged() >= 300);
    let brokers = Arc::get_mut(&mut brokers).unwrap();
    for disturbance in disturbances {
        brokers.disturb(*disturbance);
        let before = acknowledged();
        wait_for(&format!("writes after {disturbance:?}"), || acknowledged() >= before + 300);
    }
    control.is_writing.store(false, Ordering::Relaxed);
    let positions = || nodes.iter().map(|node| node.applied.load(Ordering::Relaxed)).collect::<Vec<_>>();
    wait_for("an answer to everything", || acknowledged() == control.submissions.load(Ordering::Relaxed));
    wait_for("the same position", || positions().windows(2).all(|pair| pair[0] == pair[1]));
    control.is_stopped.store(true, Ordering::Relaxed);
    let ended: Vec<Ended> = nodes.into_iter().map(|node| node.thread.join().unwrap()).collect();
    check(&ended);
}

fn check(ended: &[Ended]) {
    let reference = &ended[0].replica;
    for Ended { replica, acknowledged, fault } in ended {
        assert_eq!(*fault, None);
        assert_eq!(replica.digest, reference.digest);
        assert_eq!(replica.merchants, reference.merchants);
        assert_eq!(replica.requests, reference.requests);
        assert_eq!(replica.messages, reference.messages);
        for (submission, outcome, sequence) in acknowledged {
            let committed = reference.committed.get(&submission.number);
            match outcome {
                Outcome::Stored(_) => assert_eq!(committed, Some(sequence), "{submission:?}"),
                Outcome::Refused => assert_eq!(committed, None, "{submission:?}"),
            }
        }
    }
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn killed_brokers_cost_no_acknowledged_write() {
    write_while(Brokers::start(3), &[0, 1, 2, 0].map(Disturbance::Kill));
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn brokers_that_hang_cost_no_acknowledged_write() {
    write_while(Brokers::start(3), &[0, 1, 2].map(Disturbance::Stop));
}

/// Without brokers a log answers nothing and costs nothing. It answers once there are some.
#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn brokers_may_start_after_the_nodes() {
    let mut brokers = Brokers::start(1);
    let stream = brokers.create(1);
    publish_genesis(&brokers, &stream);
    let running = Arc::get_mut(&mut brokers).unwrap();
    running.processes[0].kill().unwrap();
    running.processes[0].wait().unwrap();
    let control = Arc::new(Control::default());
    control.is_writing.store(true, Ordering::Relaxed);
    let node = start_node(running, &stream, 1, &control);
    thread::sleep(Duration::from_secs(2));
    assert_eq!(control.submissions.load(Ordering::Relaxed), 0, "nothing is decided");
    running.processes[0] = running.launch(0);
    wait_for("writes", || control.acknowledged.load(Ordering::Relaxed) >= 300);
    control.is_writing.store(false, Ordering::Relaxed);
    control.is_stopped.store(true, Ordering::Relaxed);
    check(&[node.thread.join().unwrap()]);
}

/// Brokers require client certificates and nkeys, and nodes have only the rights that `server/CLUSTER.md` lists.
#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn the_documented_rights_suffice_with_tls_and_nkeys() {
    let brokers = Brokers::start_secured(3);
    run_conformance(&brokers, 3);
    write_while(brokers, &[Disturbance::Kill(0), Disturbance::Stop(1)]);
}

#[test]
#[ignore = "needs a broker: server/cluster/tests/run.sh"]
fn connections_without_credentials_or_rights_are_refused() {
    let brokers = Brokers::start_secured(1);
    let stream = brokers.create(1);
    let valid = brokers.settings(&stream, "node");
    let connect = |settings: &JetStreamSettings| {
        let connected = brokers.runtime.block_on(Administrator::connect(settings));
        connected.map_err(|error| error.to_string())
    };
    let node = connect(&valid).unwrap();
    let with_tls = |tls| JetStreamSettings { tls, ..valid.clone() };
    let with_nkey = |nkey_seed| JetStreamSettings { nkey_seed, ..valid.clone() };
    let authorities = valid.tls.clone().unwrap().authorities;
    let unknown_user = nkeys::KeyPair::new_user().seed().unwrap();
    for (settings, reason) in [
        (with_tls(None), "certificate"),
        (with_tls(Some(TlsFiles { authorities, certificate: None })), "CertificateRequired"),
        (with_nkey(None), "authorization violation"),
        (with_nkey(Some(unknown_user)), "authorization violation"),
    ] {
        let error = connect(&settings).unwrap_err();
        assert!(error.starts_with("no broker accepts a connection at 127.0.0.1:"), "{error}");
        assert!(error.contains(reason), "{error}");
    }
    // A node may use its log, and neither create nor delete one.
    brokers.runtime.block_on(async {
        assert!(node.describe().await.unwrap().is_some());
        assert!(node.delete().await.is_err());
        let shape = LogShape { replicas: 1, max_bytes: 64 << 20, first: Sequence(1) };
        let other = JetStreamSettings { stream: "OTHER".to_owned(), ..valid.clone() };
        let other = Administrator::connect(&other).await.unwrap();
        assert!(other.create(CLUSTER, shape).await.is_err());
        assert!(node.describe().await.unwrap().is_some());
    });
}
