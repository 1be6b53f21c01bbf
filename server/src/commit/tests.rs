//! Tests of the commit thread.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use nearby_index::{
    AnyPosition, Change, IndexReader, IndexWriter, Merchant, MerchantId, Position, Profile, Revision, Terms,
    UnixMicros, Visibility,
};
use nearby_proto::v1 as wire;
use nearby_store::{Batch, MemoryStore, Store, StoreError, StoreHealth};

use super::*;
use crate::{
    reason,
    record::{FieldSet, FieldUpdate, Update},
};

pub(super) fn id(id: &str) -> MerchantId {
    MerchantId::parse(id).unwrap()
}

fn merchant(name: &str) -> Merchant {
    Merchant {
        id: id(name),
        position: AnyPosition::Wgs84(Position::new(60.17, 24.94).unwrap()),
        visibility: Visibility::Visible,
        terms: Terms::default(),
        details: None,
        profile: Profile::new(b"").unwrap(),
    }
}

pub(super) fn put(name: &str, expect: Expect) -> Command {
    Command::Put { merchant: merchant(name), expect }
}

pub(super) fn delete(name: &str, version: Option<u64>) -> Command {
    Command::Delete { id: id(name), version: version.map(Revision) }
}

/// An update of a merchant, which must exist, that replaces no field.
fn touch(name: &str) -> Command {
    let update =
        FieldUpdate { fields: FieldSet::default(), given: wire::Merchant::default(), position: None };
    Command::Patch(MerchantPatch {
        id: id(name),
        version: None,
        update: Update::Fields(Box::new(update)),
        if_missing: None,
    })
}

pub(super) fn together(commands: Vec<Command>) -> Transaction {
    Transaction { commands, request: None, options: WriteOptions::default() }
}

pub(super) fn repeatable(number: u8, fingerprint: u8, commands: Vec<Command>) -> Transaction {
    let request = RequestKey { id: RequestId([number; 16]), fingerprint: [fingerprint; 16] };
    Transaction { request: Some(request), ..together(commands) }
}

/// A commit thread whose clock advances by one at each commit.
fn start(store: impl Store + 'static) -> (CommitHandle, CommitThread, IndexReader) {
    let ticks = Mutex::new(0);
    let clock: Clock = Arc::new(move || {
        let mut ticks = ticks.lock().unwrap();
        *ticks += 1;
        UnixMicros(*ticks)
    });
    let (handle, thread, reader, ..) = start_with(store, &MemoryStore::default(), clock);
    (handle, thread, reader)
}

/// A commit thread on a store that has the content of another.
pub(crate) fn start_with(
    store: impl Store + 'static,
    kept: &MemoryStore,
    clock: Clock,
) -> (CommitHandle, CommitThread, IndexReader, ChangeFeed, WriteAvailability) {
    let loaded = kept.loaded();
    let extent = loaded.digest.watermarks;
    let index = IndexWriter::load(loaded.merchants, extent.last);
    let reader = index.reader();
    let feed = ChangeFeed::new(extent.last, loaded.deletions, extent.deletions_since);
    let (store, completed, availability) = (Box::new(store), loaded.requests, WriteAvailability::default());
    let parts = CommitParts {
        store,
        index,
        feed: feed.clone(),
        watches: WatchRegistry::default(),
        completed,
        availability: availability.clone(),
        clock,
        metrics: Arc::new(Metrics::new().unwrap()),
        review_changes: false,
        cluster: None,
    };
    let (handle, thread) = spawn(parts).unwrap();
    (handle, thread, reader, feed, availability)
}

fn revisions(committed: &[Committed]) -> Vec<u64> {
    committed.iter().map(|one| one.change.revision().0).collect()
}

#[tokio::test]
async fn commands_of_one_batch_see_one_another() {
    let (commits, _thread, reader) = start(MemoryStore::default());
    let commands = vec![
        put("a", Expect::Absent),
        put("a", Expect::Absent),
        touch("a"),
        delete("a", Some(1)),
        delete("a", Some(2)),
        delete("a", None),
        touch("a"),
        put("b", Expect::Anything),
    ];
    let results =
        commits.submit_each(commands, &WriteOptions::default()).await.unwrap().results().await.unwrap();
    let revisions: Vec<_> =
        results.iter().map(|r| r.as_ref().map(|done| done.change.revision().0).ok()).collect();
    assert_eq!(revisions, [Some(1), None, Some(2), None, Some(3), None, None, Some(4)]);
    assert_eq!(results[1].as_ref().unwrap_err(), &ServiceError::AlreadyExists(id("a")));
    assert_eq!(results[3].as_ref().unwrap_err(), &ServiceError::Conflict(id("a")));
    assert_eq!(results[5].as_ref().unwrap_err(), &ServiceError::NotFound(id("a")));
    assert_eq!(results[6].as_ref().unwrap_err(), &ServiceError::NotFound(id("a")));
    let snapshot = reader.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (Revision(4), 1));
}

#[tokio::test]
async fn a_transaction_is_committed_as_a_whole_or_not_at_all() {
    let (commits, _thread, reader) = start(MemoryStore::default());
    let commands = || vec![put("a", Expect::Absent), touch("a"), put("b", Expect::Absent), delete("b", None)];
    assert_eq!(revisions(&commits.submit(together(commands())).await.unwrap()), [1, 2, 3, 4]);
    let before = reader.snapshot();
    // Every command but the last would succeed, and none is committed.
    let failing = vec![put("c", Expect::Absent), touch("a"), delete("a", None), touch("a")];
    let error = commits.submit(together(failing)).await.unwrap_err();
    assert_eq!(error, ServiceError::NotFound(id("a")));
    let validated = Transaction {
        options: WriteOptions { validate_only: true, ..WriteOptions::default() },
        ..together(vec![delete("a", None), put("d", Expect::Absent)])
    };
    assert_eq!(revisions(&commits.submit(validated).await.unwrap()), [5, 6]);
    let after = reader.snapshot();
    assert_eq!((after.revision(), after.len()), (before.revision(), 1));
    assert_eq!(after.get(&id("a")), before.get(&id("a")));
    // Merchants that a failed transaction touched are unchanged for the others of its batch.
    assert_eq!(revisions(&commits.submit(together(vec![touch("a")])).await.unwrap()), [5]);
}

#[tokio::test]
async fn update_times_never_go_back_when_the_clock_does() {
    let time = Arc::new(AtomicI64::new(100));
    let clock: Clock = {
        let time = Arc::clone(&time);
        Arc::new(move || UnixMicros(time.load(Ordering::SeqCst)))
    };
    let store = MemoryStore::default();
    let (commits, _thread, reader, ..) = start_with(store.clone(), &store, clock);
    let times = |committed: &[Committed]| {
        let stored = committed[0].stored().unwrap();
        (stored.create_time.0, stored.update_time.0)
    };
    let commit = |now, command| {
        time.store(now, Ordering::SeqCst);
        commits.submit(together(vec![command]))
    };
    assert_eq!(times(&commit(100, put("a", Expect::Absent)).await.unwrap()), (100, 100));
    assert_eq!(times(&commit(40, touch("a")).await.unwrap()), (100, 100));
    assert_eq!(times(&commit(130, put("a", Expect::Anything)).await.unwrap()), (100, 130));
    assert_eq!(times(&commit(120, put("a", Expect::Anything)).await.unwrap()), (100, 130));
    // A merchant that is created again has a life of its own.
    commit(50, delete("a", None)).await.unwrap();
    assert_eq!(times(&commit(50, put("a", Expect::Absent)).await.unwrap()), (50, 50));
    assert_eq!(reader.snapshot().get(&id("a")).unwrap().update_time, UnixMicros(50));
}

#[tokio::test]
async fn a_repeated_request_returns_the_first_result_and_is_not_committed_again() {
    let store = MemoryStore::default();
    let time = Arc::new(AtomicI64::new(0));
    let clock = || -> Clock {
        let time = Arc::clone(&time);
        Arc::new(move || UnixMicros(time.load(Ordering::SeqCst)))
    };
    let (commits, thread, ..) = start_with(store.clone(), &store, clock());
    let create = || repeatable(1, 1, vec![put("a", Expect::Absent), put("b", Expect::Absent)]);
    assert_eq!(revisions(&commits.submit(create()).await.unwrap()), [1, 2]);
    assert_eq!(revisions(&commits.submit(create()).await.unwrap()), [1, 2]);
    // Whatever has become of them since.
    commits.submit(repeatable(2, 2, vec![delete("a", None)])).await.unwrap();
    commits.submit(together(vec![touch("b")])).await.unwrap();
    let other = commits.submit(repeatable(1, 9, vec![put("z", Expect::Absent)])).await.unwrap_err();
    let ServiceError::Invalid(violations) = other else { panic!("{other:?}") };
    assert_eq!(
        (violations[0].field.as_str(), violations[0].reason),
        ("request_id", reason::REQUEST_ID_REUSED)
    );
    // A request that failed is not remembered.
    commits.submit(repeatable(3, 3, vec![touch("none")])).await.unwrap_err();
    commits.submit(repeatable(3, 4, vec![touch("b")])).await.unwrap();
    tokio::task::spawn_blocking(|| thread.stop().unwrap()).await.unwrap();

    // The same after a restart, until an hour has passed.
    time.store(super::idempotency::RETENTION.0 - 1, Ordering::SeqCst);
    let (commits, thread, reader, ..) = start_with(store.clone(), &store, clock());
    let first = commits.submit(create()).await.unwrap();
    assert_eq!(revisions(&first), [1, 2]);
    assert_eq!(first[1].stored().unwrap().merchant.id, id("b"));
    let deleted = commits.submit(repeatable(2, 2, vec![delete("a", None)])).await.unwrap();
    assert_eq!(deleted[0].change, Change::Delete { id: id("a"), revision: Revision(3) });
    assert_eq!(reader.snapshot().revision(), Revision(5));
    time.store(super::idempotency::RETENTION.0, Ordering::SeqCst);
    commits.submit(create()).await.unwrap_err();
    // With fewer outcomes than before: nothing of the old is left beside the new.
    commits.submit(repeatable(1, 1, vec![put("c", Expect::Absent)])).await.unwrap();
    tokio::task::spawn_blocking(|| thread.stop().unwrap()).await.unwrap();
    let kept: Vec<_> =
        store.loaded().requests.iter().map(|request| (request.id.0[0], request.outcomes.len())).collect();
    assert_eq!(kept, [(1, 1)], "the others are over and forgotten");
}

#[tokio::test]
async fn an_update_keeps_the_time_of_creation() {
    let (commits, _thread, _) = start(MemoryStore::default());
    commits.submit(together(vec![put("a", Expect::Absent)])).await.unwrap();
    let committed = commits.submit(together(vec![touch("a")])).await.unwrap();
    let stored = committed[0].stored().unwrap();
    assert!(committed[0].before.is_some());
    assert_eq!((stored.create_time, stored.update_time), (UnixMicros(1), UnixMicros(2)));
}

#[tokio::test]
async fn a_row_that_changes_nothing_leaves_the_version_as_it_is() {
    let (commits, _thread, reader) = start(MemoryStore::default());
    let rows = || vec![put("a", Expect::Anything), put("b", Expect::Anything), put("a", Expect::Anything)];
    let first = commits.submit_each(rows(), &WriteOptions::default()).await.unwrap().results().await.unwrap();
    let again = commits.submit_each(rows(), &WriteOptions::default()).await.unwrap().results().await.unwrap();
    let revisions = |results: &[Result<Committed, ServiceError>]| {
        results.iter().map(|result| result.as_ref().unwrap().change.revision().0).collect::<Vec<_>>()
    };
    assert_eq!(revisions(&first), [1, 2, 1], "the third is the first once more");
    assert_eq!(revisions(&again), [1, 2, 1]);
    assert_eq!(reader.snapshot().revision(), Revision(2));
    let moved = Merchant {
        position: AnyPosition::Wgs84(Position::new(60.18, 24.94).unwrap()),
        profile: Profile::new(b"\x52\x01a").unwrap(),
        ..merchant("a")
    };
    let moved = Command::Put { merchant: moved, expect: Expect::Anything };
    let changed =
        commits.submit_each(vec![moved], &WriteOptions::default()).await.unwrap().results().await.unwrap();
    assert_eq!(revisions(&changed), [3]);
}

#[tokio::test]
async fn the_queue_is_finished_before_the_thread_ends() {
    let store = MemoryStore::default();
    let (open, gate) = std::sync::mpsc::channel::<()>();
    // Commits nothing until the gate is open: `recv` returns when the sender is dropped.
    let before_commit = move |_: &Batch<'_>| {
        let _ended = gate.recv();
        Ok(())
    };
    let (commits, thread, _) = start(HookedStore { inner: store.clone(), before_commit });
    let waiting: Vec<_> = (0..300)
        .map(|n| {
            let commits = commits.clone();
            tokio::spawn(async move {
                commits.submit(together(vec![put(&format!("m{n}"), Expect::Absent)])).await
            })
        })
        .collect();
    // Each submits when it first runs; this runtime has one thread and takes turns.
    for _ in 0..1_000 {
        tokio::task::yield_now().await;
    }
    assert!(waiting.iter().all(|task| !task.is_finished()), "the gate is closed");
    let stopping = tokio::task::spawn_blocking(|| thread.stop().unwrap());
    drop(open);
    stopping.await.unwrap();
    for task in waiting {
        task.await.unwrap().unwrap();
    }
    let late = commits.submit(together(vec![put("late", Expect::Absent)])).await;
    assert_eq!(late.unwrap_err(), STOPPING);
    assert_eq!(store.loaded().merchants.len(), 300);
}

/// A store that calls `before_commit` before each commit, which fails if that does.
pub(super) struct HookedStore<F> {
    pub(super) inner: MemoryStore,
    pub(super) before_commit: F,
}

impl<F: FnMut(&Batch<'_>) -> Result<(), StoreError> + Send> Store for HookedStore<F> {
    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        (self.before_commit)(batch)?;
        self.inner.commit(batch)
    }

    fn append(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        self.commit(batch)
    }

    fn sync(&mut self) -> Result<(), StoreError> {
        Ok(())
    }

    fn position(&self) -> Option<LogPosition> {
        self.inner.position()
    }

    fn digest(&self) -> StateDigest {
        self.inner.digest()
    }

    fn health(&self) -> Arc<StoreHealth> {
        self.inner.health()
    }

    fn is_checkpoint_due(&mut self) -> bool {
        false
    }

    fn checkpoint(&mut self, _: Contents) {}

    fn close(self: Box<Self>, _: Contents) -> Result<(), StoreError> {
        Ok(())
    }
}

/// A store whose commits fail as given, in order: `None` is success, as is every further commit.
fn failing(commits: Vec<Option<StoreError>>) -> impl Store {
    let mut commits = commits.into_iter();
    let before_commit = move |_: &Batch<'_>| commits.next().flatten().map_or(Ok(()), Err);
    HookedStore { inner: MemoryStore::default(), before_commit }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_visible_after_the_disk_failed() {
    let source = std::io::Error::from(std::io::ErrorKind::Other);
    let failure = StoreError::Io { action: "write", path: "store".into(), source };
    let store = failing(vec![None, Some(failure)]);
    let clock: Clock = Arc::new(|| UnixMicros(0));
    let (commits, _thread, reader, feed, availability) = start_with(store, &MemoryStore::default(), clock);
    let first = || repeatable(1, 1, vec![put("a", Expect::Absent)]);
    commits.submit(first()).await.unwrap();
    assert_eq!(availability.check(), Ok(()));
    let rejected = commits.submit(repeatable(2, 2, vec![put("b", Expect::Absent)])).await;
    assert_eq!(rejected.unwrap_err(), ServiceError::ReadOnly);
    assert_eq!(availability.check(), Err(ServiceError::ReadOnly), "the availability reports it");
    let rejected = commits.submit(together(vec![put("a", Expect::Absent)])).await;
    assert_eq!(rejected.unwrap_err(), ServiceError::AlreadyExists(id("a")), "its own error comes first");
    let rejected = commits.submit(repeatable(2, 2, vec![put("b", Expect::Absent)])).await;
    assert_eq!(rejected.unwrap_err(), ServiceError::ReadOnly, "a request that failed is not remembered");
    assert_eq!(revisions(&commits.submit(first()).await.unwrap()), [1], "a completed request is");
    let snapshot = reader.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (Revision(1), 1));
    assert_eq!(feed.recent(Revision::ZERO, 10).unwrap().len(), 1);
}

/// A full disk is no failure: a batch is rejected as a whole, and later ones are accepted once there is space.
#[tokio::test]
async fn changes_rejected_by_a_full_disk_can_be_repeated() {
    let full = StoreError::Full { action: "write", path: "store".into() };
    let store = failing(vec![None, Some(full)]);
    let clock: Clock = Arc::new(|| UnixMicros(0));
    let (commits, _thread, reader, _, availability) = start_with(store, &MemoryStore::default(), clock);
    let put_b = || repeatable(2, 2, vec![put("b", Expect::Absent)]);
    commits.submit(together(vec![put("a", Expect::Absent)])).await.unwrap();
    assert_eq!(commits.submit(put_b()).await.unwrap_err(), ServiceError::DiskFull);
    assert_eq!(commits.submit(put_b()).await.unwrap_err(), ServiceError::DiskFull, "until there is space");
    assert_eq!(reader.snapshot().len(), 1);
    availability.set(crate::write_availability::State::Writable);
    assert_eq!(revisions(&commits.submit(put_b()).await.unwrap()), [2]);
}

#[tokio::test]
async fn large_submissions_are_split_and_small_ones_share_a_commit() {
    let counted = Arc::new(Mutex::new(Vec::new()));
    let commit_sizes = Arc::clone(&counted);
    let before_commit = move |batch: &Batch<'_>| {
        commit_sizes.lock().unwrap().push(batch.changes.len());
        Ok(())
    };
    let (commits, thread, reader) = start(HookedStore { inner: MemoryStore::default(), before_commit });
    let many: Vec<Command> = (0..1_300).map(|n| put(&format!("m{n}"), Expect::Absent)).collect();
    let submitted = commits.submit_each(many, &WriteOptions::default()).await.unwrap();
    assert!(submitted.results().await.unwrap().iter().all(Result::is_ok));
    let together: Vec<Command> = (0..1_000).map(|n| put(&format!("t{n}"), Expect::Absent)).collect();
    commits.submit(super::tests::together(together)).await.unwrap();
    tokio::task::spawn_blocking(|| thread.stop().unwrap()).await.unwrap();
    assert_eq!(reader.snapshot().len(), 2_300);
    let commits = counted.lock().unwrap().clone();
    assert!(commits.iter().all(|count| *count <= BATCH_COMMANDS || *count == 1_000), "{commits:?}");
    assert_eq!(commits.iter().sum::<usize>(), 2_300);
}
