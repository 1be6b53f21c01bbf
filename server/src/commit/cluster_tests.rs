//! Tests of the commit thread as a node of a cluster, on a log in memory and in time that passes fast.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex, Weak,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::{Duration, Instant},
};

use nearby_cluster::{
    announcement::{Announcement, NodeState},
    archive::{Archive, ArchiveLimits},
    identity::{ClusterId, CommitId, NodeName, ProcessId},
    log::CommitLog,
    memory::{Faults, MemoryCluster, MemoryLog},
    message::{Header, MessageHash, NEWEST_FORMAT},
    protocol::{Config, ProposeError},
    replica::Position,
};
use nearby_index::{IndexReader, IndexWriter, UnixMicros};
use nearby_store::{Batch, MemoryStore, Store, StoreError};
use tokio::sync::Notify;

use super::{
    tests::{HookedStore, delete, id, put, repeatable, together},
    *,
};
use crate::{
    clock::ManualClock,
    cluster::{ClusterView, WriteState, view::ClusterState},
    record,
};

const CLUSTER: ClusterId = ClusterId([0xC1; 16]);
/// The clock of the nodes runs so much faster …
const SPEED: u32 = 20;
/// … and stops while a node has not read it for so long: time does not pass for a thread that a busy machine does not run.
const MAX_AHEAD: Duration = Duration::from_millis(100);

/// A log in memory, and the time of its nodes.
struct Cluster {
    log: MemoryCluster,
    clock: ManualClock,
    epoch: Instant,
    readings: Arc<Mutex<Vec<Weak<Mutex<Instant>>>>>,
    wakes: Arc<Mutex<Vec<Arc<Notify>>>>,
    is_stopped: Arc<AtomicBool>,
}

/// A node.
struct Node {
    commits: CommitHandle,
    reader: IndexReader,
    store: MemoryStore,
    view: ClusterView,
    _directory: tempfile::TempDir,
    _thread: CommitThread,
}

impl Cluster {
    /// A log that begins with an empty state.
    fn new() -> Self {
        let log = MemoryCluster::new(1);
        let commit = CommitId { process: ProcessId([0; 16]), counter: 0 };
        let empty = MemoryStore::default().digest();
        let genesis =
            Header::genesis(CLUSTER, (commit, NodeName::parse("init").unwrap()), empty, UnixMicros(0));
        log.publish_unchecked(genesis.encode_empty().unwrap(), Duration::ZERO);
        let clock = ManualClock::default();
        let cluster = Self {
            log,
            epoch: clock.monotonic().now(),
            clock,
            readings: Arc::default(),
            wakes: Arc::default(),
            is_stopped: Arc::default(),
        };
        cluster.start_clock();
        cluster
    }

    fn start_clock(&self) {
        let (clock, readings, wakes) =
            (self.clock.clone(), Arc::clone(&self.readings), Arc::clone(&self.wakes));
        let is_stopped = Arc::clone(&self.is_stopped);
        std::thread::spawn(move || {
            while !is_stopped.load(Ordering::Relaxed) {
                std::thread::sleep(Duration::from_millis(1));
                let now = clock.monotonic().now();
                let is_late =
                    |reading: Arc<Mutex<Instant>>| now.duration_since(*reading.lock().unwrap()) > MAX_AHEAD;
                if !readings.lock().unwrap().iter().filter_map(Weak::upgrade).any(is_late) {
                    clock.advance(Duration::from_millis(1) * SPEED);
                }
                wakes.lock().unwrap().iter().for_each(|wake| wake.notify_one());
            }
        });
    }

    fn start(&self, name: &str) -> Node {
        let store = MemoryStore::default();
        self.start_with(name, self.log.connect(), (Box::new(store.clone()), store))
    }

    /// Starts a node on a store, which keeps its content in the second one.
    fn start_with(&self, name: &str, log: MemoryLog, stores: (Box<dyn Store>, MemoryStore)) -> Node {
        self.start_release(NEWEST_FORMAT, name, log, stores)
    }

    /// Starts a node of a release that reads formats up to `max_format`.
    fn start_release(
        &self,
        max_format: u16,
        name: &str,
        log: MemoryLog,
        (open, store): (Box<dyn Store>, MemoryStore),
    ) -> Node {
        let directory = tempfile::tempdir().unwrap();
        let recovered = store.loaded();
        let extent = recovered.digest.watermarks;
        let wake = Arc::<Notify>::default();
        self.wakes.lock().unwrap().push(Arc::clone(&wake));
        let node = NodeName::parse(name).unwrap();
        let config = Config {
            cluster: CLUSTER,
            node: node.clone(),
            process: ProcessId([u8::try_from(self.wakes.lock().unwrap().len()).unwrap(); 16]),
            address: String::new(),
            max_format,
            settings: BTreeMap::new(),
            max_lag: 10,
            derive_fields: Arc::new(|stored| record::derive_fields(stored).0),
        };
        let names = ("TEST".to_owned(), String::new());
        let (clock, reading) = self.clock.reader(self.epoch);
        self.readings.lock().unwrap().push(reading);
        let view = ClusterView::new(CLUSTER, node, names, clock);
        let position = recovered.position.as_ref().map_or(Position::START, Position::from);
        let archive = Archive::open(directory.path(), ArchiveLimits::default(), position.applied).unwrap();
        let parts = ClusterParts { config, log: Box::new(log), wake, position, archive, view: view.clone() };
        let index = IndexWriter::load(recovered.merchants, extent.last);
        let reader = index.reader();
        let ticks = AtomicI64::new(0);
        let parts = CommitParts {
            store: open,
            index,
            feed: ChangeFeed::new(extent.last, recovered.deletions, extent.deletions_since),
            watches: WatchRegistry::default(),
            completed: recovered.requests,
            availability: WriteAvailability::default(),
            clock: Arc::new(move || UnixMicros(ticks.fetch_add(1, Ordering::Relaxed))),
            metrics: Arc::new(Metrics::new().unwrap()),
            review_changes: false,
            cluster: Some(parts),
        };
        let (commits, thread) = spawn(parts).unwrap();
        Node { commits, reader, store, view, _directory: directory, _thread: thread }
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.is_stopped.store(true, Ordering::Relaxed);
    }
}

impl Node {
    /// Waits until all other nodes announce that they read formats up to this one.
    async fn hears_only(&self, max_format: u16) {
        let is_newer = |state: Arc<ClusterState>| {
            !state.peers.is_empty() && state.peers.iter().all(|(peer, _)| peer.max_format == max_format)
        };
        self.wait(|node| node.view.state().is_some_and(is_newer)).await;
    }

    async fn upgrade(&self, format: u16) -> Result<Sequence, UpgradeError> {
        let (reply, upgraded) = oneshot::channel();
        self.commits.operate(ClusterOperation::Upgrade { format, reply }).await.unwrap();
        upgraded.await.unwrap()
    }

    /// Stops the node, and returns its store.
    async fn stop(self) -> MemoryStore {
        let Self { _thread: thread, store, .. } = self;
        tokio::task::spawn_blocking(move || thread.stop().unwrap()).await.unwrap();
        store
    }

    async fn put(&self, name: &str) -> Result<Vec<Committed>, ServiceError> {
        self.commits.submit(together(vec![put(name, Expect::Anything)])).await
    }

    /// Waits until a condition on this node holds.
    async fn wait(&self, condition: impl Fn(&Self) -> bool) {
        for _ in 0..60_000 {
            if condition(self) {
                return;
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        panic!("not reached: {:?}", self.view.state());
    }

    async fn reaches(&self, revision: Revision) {
        self.wait(|node| node.reader.snapshot().revision() >= revision).await;
    }

    async fn contents(&self) -> (Option<LogPosition>, StateDigest, Vec<String>) {
        let taken = self.commits.backup_contents().await.unwrap();
        let names = taken.contents.snapshot.list(None).map(|stored| stored.merchant.id.as_str().to_owned());
        (taken.position, taken.digest, names.collect())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_that_write_at_once_agree_and_lose_nothing() {
    let cluster = Cluster::new();
    let nodes = [cluster.start("a"), cluster.start("b")];
    let mut writes = tokio::task::JoinSet::new();
    for number in 0..60 {
        let commits = nodes[number % 2].commits.clone();
        writes.spawn(async move {
            commits.submit(together(vec![put(&format!("m{number}"), Expect::Absent)])).await.unwrap()
        });
    }
    let mut revisions: Vec<u64> =
        writes.join_all().await.iter().map(|committed| committed[0].change.revision().0).collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (1..=60).collect::<Vec<u64>>(), "each is applied once");
    for node in &nodes {
        node.reaches(Revision(60)).await;
    }
    let [one, other] = [nodes[0].contents().await, nodes[1].contents().await];
    assert_eq!(one, other);
    assert_eq!(one.2.len(), 60);
    assert_eq!(nodes[0].store.loaded().digest, one.1);
    assert_eq!(nodes[0].store.loaded().position, one.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn results_are_those_of_the_state_that_all_nodes_agree_on() {
    let cluster = Cluster::new();
    let nodes = [cluster.start("a"), cluster.start("b")];
    let first = nodes[0].commits.submit(repeatable(1, 1, vec![put("x", Expect::Absent)])).await.unwrap();
    // Whatever this node has applied: a refusal is confirmed by the log.
    let second = nodes[1].commits.submit(together(vec![put("x", Expect::Absent)])).await;
    assert_eq!(second.unwrap_err(), ServiceError::AlreadyExists(id("x")));
    // A repeated request has the first result at every node.
    let repeated = nodes[1].commits.submit(repeatable(1, 1, vec![put("x", Expect::Absent)])).await.unwrap();
    assert_eq!(repeated[0].change, first[0].change);
    nodes[1].commits.submit(together(vec![delete("x", None)])).await.unwrap();
    let gone = nodes[0].commits.submit(together(vec![delete("x", None)])).await;
    assert_eq!(gone.unwrap_err(), ServiceError::NotFound(id("x")));
    assert_eq!(nodes[0].contents().await.1.watermarks.last, Revision(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn writes_survive_a_log_that_loses_and_repeats_requests() {
    let cluster = Cluster::new();
    let nodes = [cluster.start("a"), cluster.start("b"), cluster.start("c")];
    nodes[0].put("first").await.unwrap();
    cluster.log.set_faults(Faults {
        lost_requests: 100,
        lost_answers: 100,
        late_answers: 50,
        skipped_deliveries: 100,
        repeated_deliveries: 100,
        damaged_deliveries: 50,
        max_latency: Duration::from_millis(10),
        ..Faults::default()
    });
    for number in 0..30_u8 {
        let (name, node) = (format!("m{number}"), &nodes[usize::from(number % 3)]);
        // With these losses, a node may not decide for some seconds, or not learn the outcome of a commit.
        let repeat = || node.commits.submit(repeatable(number, 1, vec![put(&name, Expect::Anything)]));
        while let Err(error) = repeat().await {
            let is_repeatable = matches!(error, ServiceError::NoQuorum(_) | ServiceError::OutcomeUnknown);
            assert!(is_repeatable, "{error}");
        }
        assert!(node.reader.snapshot().get(&id(&name)).is_some(), "acknowledged is visible");
    }
    cluster.log.set_faults(Faults::default());
    for node in &nodes {
        node.reaches(Revision(31)).await;
        assert_eq!(node.contents().await.1, nodes[0].contents().await.1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_leader_writes_are_refused_after_five_seconds_and_go_on_afterwards() {
    let cluster = Cluster::new();
    let node = cluster.start("a");
    node.put("a").await.unwrap();
    cluster.log.set_leader(false);
    let (waiting, commits) = (node.view.now(), node.commits.clone());
    // In flight, or waiting to be decided: it is answered in either case, with what is known of it.
    let pending =
        tokio::spawn(async move { commits.submit(together(vec![put("b", Expect::Anything)])).await });
    node.wait(|node| matches!(node.view.write_state(), WriteState::NoQuorum(_))).await;
    assert!(node.view.now() - waiting >= Duration::from_secs(4));
    let refused = node.put("c").await.unwrap_err();
    assert!(matches!(refused, ServiceError::NoQuorum(_)), "{refused}");
    assert!(node.reader.snapshot().get(&id("a")).is_some(), "searches go on");
    let given_up = pending.await.unwrap().unwrap_err();
    assert!(matches!(given_up, ServiceError::NoQuorum(_) | ServiceError::OutcomeUnknown), "{given_up}");
    cluster.log.set_leader(true);
    node.wait(|node| node.view.write_state() == WriteState::Writable).await;
    node.put("d").await.unwrap();
    let snapshot = node.reader.snapshot();
    assert!(snapshot.get(&id("d")).is_some() && snapshot.get(&id("c")).is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_has_lost_commits_stops_writes_until_it_is_healed() {
    let cluster = Cluster::new();
    let node = cluster.start("a");
    for name in ["a", "b", "c"] {
        node.put(name).await.unwrap();
    }
    cluster.log.rewind(Sequence(2));
    node.wait(|node| node.view.write_state() == WriteState::Fault("rewound")).await;
    assert_eq!(node.put("d").await.unwrap_err(), ServiceError::ClusterFault("rewound"));
    let (reply, healed) = oneshot::channel();
    node.commits.operate(ClusterOperation::Heal(reply)).await.unwrap();
    assert_eq!(healed.await.unwrap(), Ok(2));
    node.wait(|node| node.view.write_state() == WriteState::Writable).await;
    node.put("d").await.unwrap();
    assert_eq!(cluster.log.last(), Sequence(5));
}

/// A commit that is stored in the log and not yet here keeps its callers, whatever waits behind it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_that_cannot_be_applied_for_a_while_is_not_mixed_up_with_the_next() {
    for round in 0..5 {
        let cluster = Cluster::new();
        let is_full = Arc::new(AtomicBool::new(false));
        let memory = MemoryStore::default();
        let full = Arc::clone(&is_full);
        // Transient, and nothing that makes the node refuse changes: a lack of file descriptors.
        let before_commit = move |_: &Batch<'_>| {
            let source = std::io::Error::from_raw_os_error(24);
            let error = StoreError::Io { action: "open", path: "journal".into(), source };
            if full.load(Ordering::Relaxed) { Err(error) } else { Ok(()) }
        };
        let full = HookedStore { inner: memory.clone(), before_commit };
        let (node, other) =
            (cluster.start_with("a", cluster.log.connect(), (Box::new(full), memory)), cluster.start("b"));
        node.put("first").await.unwrap();
        is_full.store(true, Ordering::Relaxed);
        let submit = |name: &'static str| {
            let commits = node.commits.clone();
            tokio::spawn(async move { commits.submit(together(vec![put(name, Expect::Absent)])).await })
        };
        let first = submit("x");
        other.wait(|other| other.reader.snapshot().get(&id("x")).is_some()).await;
        let second = submit("y");
        let elsewhere = other.put("z").await;
        tokio::time::sleep(Duration::from_millis(10 * round)).await;
        is_full.store(false, Ordering::Relaxed);
        assert_eq!(first.await.unwrap().unwrap()[0].change.id(), &id("x"));
        assert_eq!(second.await.unwrap().unwrap()[0].change.id(), &id("y"));
        elsewhere.unwrap();
        for node in [&node, &other] {
            node.reaches(Revision(4)).await;
            assert_eq!(node.contents().await.2, ["first", "x", "y", "z"]);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_contents_of_all_nodes_are_taken_as_of_one_message() {
    let cluster = Cluster::new();
    let nodes = [cluster.start("a"), cluster.start("b")];
    nodes[0].put("a").await.unwrap();
    let mut taken = Vec::new();
    for (node, advance) in [(&nodes[1], false), (&nodes[0], true)] {
        let (reply, contents) = oneshot::channel();
        let sequence = Sequence(20);
        node.commits.operate(ClusterOperation::Capture { sequence, advance, reply }).await.unwrap();
        taken.push(contents);
        if !advance {
            // Also a sign that the node has begun to wait, before the log grows.
            node.put("b").await.unwrap();
        }
    }
    let mut digests = Vec::new();
    for contents in taken {
        let taken = contents.await.unwrap();
        assert_eq!(taken.position.unwrap().sequence, 20);
        assert_eq!(taken.contents.snapshot.len(), 2);
        digests.push(taken.digest);
    }
    assert_eq!(digests[0], digests[1]);
    let (reply, passed) = oneshot::channel();
    let capture = ClusterOperation::Capture { sequence: Sequence(3), advance: false, reply };
    nodes[0].commits.operate(capture).await.unwrap();
    assert!(passed.await.is_err(), "the message has passed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn trials_commit_nothing_and_a_stopped_node_has_answered_everything() {
    let cluster = Cluster::new();
    let node = cluster.start("a");
    node.put("a").await.unwrap();
    let last = cluster.log.last();
    let options = WriteOptions { validate_only: true, ..WriteOptions::default() };
    let trial = Transaction { options, ..together(vec![put("b", Expect::Absent)]) };
    node.commits.submit(trial).await.unwrap();
    assert_eq!((cluster.log.last(), node.reader.snapshot().len()), (last, 1));
    let commits = node.commits.clone();
    let pending =
        tokio::spawn(async move { commits.submit(together(vec![put("c", Expect::Anything)])).await });
    let store = node.stop().await;
    match pending.await.unwrap() {
        Ok(_) => assert_eq!(store.loaded().merchants.len(), 2),
        Err(error) => assert!(matches!(error, ServiceError::NotReady(_)), "{error}"),
    }
}

/// Nodes are replaced by a release with a newer format, one after the other, while both releases write.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_of_two_releases_write_together_and_the_format_rises_when_all_read_the_newer_one() {
    const NEWER: u16 = NEWEST_FORMAT + 1;
    let cluster = Cluster::new();
    let start = |max_format: u16, name: &str, store: MemoryStore| {
        cluster.start_release(max_format, name, cluster.log.connect(), (Box::new(store.clone()), store))
    };
    let a = start(NEWEST_FORMAT, "a", MemoryStore::default());
    let b = start(NEWEST_FORMAT, "b", MemoryStore::default());
    a.put("a1").await.unwrap();
    b.put("b1").await.unwrap();
    let a = start(NEWER, "a", a.stop().await);
    a.put("a2").await.unwrap();
    b.put("b2").await.unwrap();
    b.hears_only(NEWER).await;
    a.hears_only(NEWEST_FORMAT).await;
    let upgraded = a.upgrade(NEWER).await;
    let refused = UpgradeError::Refused(ProposeError::UnreadableFormat {
        format: NEWER,
        node: NodeName::parse("b").unwrap(),
    });
    assert_eq!(upgraded, Err(refused));
    let b = start(NEWER, "b", b.stop().await);
    b.put("b3").await.unwrap();
    a.hears_only(NEWER).await;
    a.upgrade(NEWER).await.unwrap();
    let in_use = UpgradeError::Refused(ProposeError::FormatInUse(NEWER));
    assert_eq!(a.upgrade(NEWER).await, Err(in_use));
    a.put("a4").await.unwrap();
    b.put("b4").await.unwrap();
    for node in [&a, &b] {
        node.reaches(Revision(7)).await;
        let (position, _, names) = node.contents().await;
        assert_eq!(position.unwrap().format, NEWER);
        assert_eq!(names, ["a1", "a2", "a4", "b1", "b2", "b3", "b4"]);
    }
    // There is no way back: the older release applies nothing that it cannot read, and goes on as the newer one.
    let older = start(NEWEST_FORMAT, "b", b.stop().await);
    let applied = older.reader.snapshot().revision();
    a.put("a5").await.unwrap();
    older.wait(|older| older.view.write_state() == WriteState::Fault("unsupported_format")).await;
    assert_eq!(older.reader.snapshot().revision(), applied);
    let b = start(NEWER, "b", older.stop().await);
    b.put("b5").await.unwrap();
    a.reaches(Revision(9)).await;
    // Their positions may differ by a message that was sent twice.
    let [(_, digest, names), of_b] = [a.contents().await, b.contents().await];
    assert_eq!((digest, names), (of_b.1, of_b.2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn imports_wait_for_a_peer_that_is_behind() {
    let cluster = Cluster::new();
    let node = cluster.start("a");
    node.put("m1").await.unwrap();
    let mut peer = cluster.log.connect();
    let mut announce = |applied: Sequence| {
        let announcement = Announcement {
            cluster: CLUSTER,
            node: NodeName::parse("b").unwrap(),
            process: ProcessId([9; 16]),
            sent: Duration::ZERO,
            applied,
            hash: MessageHash::of(&cluster.log.message(applied).unwrap()),
            revision: Revision(0),
            clock: UnixMicros(0),
            max_format: NEWEST_FORMAT,
            state: NodeState::Serving,
            address: String::new(),
            fault: String::new(),
        };
        peer.announce(announcement.encode());
    };
    let slow_peers = |node: &Node| node.view.state().map_or(0, |state| state.slow_peers.len());
    while slow_peers(&node) == 0 {
        announce(Sequence(1));
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // The peer counts for ten seconds of the clock of the nodes, of which less than one passes from here on.
    cluster.is_stopped.store(true, Ordering::Relaxed);
    let view = node.view.clone();
    let start = tokio::time::Instant::now();
    view.wait_for_slow_peers(Duration::from_millis(50)).await;
    assert!(start.elapsed() >= Duration::from_millis(50), "the import goes on in the end");

    let waiting = tokio::spawn(async move { view.wait_for_slow_peers(Duration::from_secs(600)).await });
    announce(cluster.log.last());
    cluster.clock.advance(Duration::from_millis(500));
    cluster.wakes.lock().unwrap().iter().for_each(|wake| wake.notify_one());
    waiting.await.unwrap();
    assert_eq!(slow_peers(&node), 0);
}
