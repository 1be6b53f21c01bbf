//! What the committer acknowledges, and what it refuses.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicI64, Ordering},
};

use nearby_index::{
    AnyPosition, Change, IndexWriter, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant,
    Terms, UnixMicros, Visibility,
};
use nearby_store::{Extent, Kept, MemoryStore, Store, StoreError};

use super::*;
use crate::reason;

fn id(id: &str) -> MerchantId {
    MerchantId::parse(id).unwrap()
}

fn merchant(name: &str) -> Merchant {
    Merchant {
        id: id(name),
        position: AnyPosition::Wgs84(Position::new(60.17, 24.94).unwrap()),
        visibility: Visibility::Visible,
        terms: Terms::default(),
        hours: None,
        profile: Profile::new(b"").unwrap(),
    }
}

fn put(name: &str, expect: Expect) -> Command {
    Command::Put { merchant: merchant(name), expect }
}

fn delete(name: &str, version: Option<u64>) -> Command {
    Command::Delete { id: id(name), version: version.map(Revision) }
}

/// Has what there is replaced by itself; there must be something.
fn touch(name: &str) -> Command {
    let edited = id(name);
    let edit = |current: Option<&StoredMerchant>| {
        current.map(|current| current.merchant.clone()).ok_or(ServiceError::NotFound(edited))
    };
    Command::Edit { id: id(name), edit: Box::new(edit) }
}

fn together(commands: Vec<Command>) -> Transaction {
    Transaction { commands, request: None, validate_only: false }
}

fn repeatable(number: u8, fingerprint: u8, commands: Vec<Command>) -> Transaction {
    let request = RequestKey { id: RequestId([number; 16]), fingerprint: [fingerprint; 16] };
    Transaction { request: Some(request), ..together(commands) }
}

fn finish(merchant: Merchant, stamp: Stamp) -> StoredMerchant {
    let Stamp { revision, placed, create_time, update_time } = stamp;
    StoredMerchant { merchant, revision, placed, create_time, update_time }
}

/// A committer with a clock that goes on by one at each commit.
fn start(store: Box<dyn Store>) -> (CommitterHandle, CommitterThread, IndexReader) {
    let ticks = Mutex::new(0);
    let clock: Clock = Arc::new(move || {
        let mut ticks = ticks.lock().unwrap();
        *ticks += 1;
        UnixMicros(*ticks)
    });
    start_with(store, clock)
}

/// A committer on what a store keeps.
fn start_with(mut store: Box<dyn Store>, clock: Clock) -> (CommitterHandle, CommitterThread, IndexReader) {
    let (mut merchants, mut deletions, mut done) = (Vec::new(), Vec::new(), Vec::new());
    let extent = store
        .load(&mut |kept| match kept {
            Kept::Merchant(stored) => merchants.push(Arc::new(stored)),
            Kept::Deletion { id, revision } => deletions.push((revision, id)),
            Kept::Request(request) => done.push(Arc::new(request)),
        })
        .unwrap();
    let index = IndexWriter::load(merchants, extent.last);
    let reader = index.reader();
    let feed = Feed::new(extent.last, deletions, extent.deletions_since);
    let (handle, thread, _) = spawn(Parts { store, index, feed, done, finish, clock }).unwrap();
    (handle, thread, reader)
}

fn revisions(committed: &[Committed]) -> Vec<u64> {
    committed.iter().map(|one| one.change.revision().0).collect()
}

#[tokio::test]
async fn commands_of_one_batch_see_one_another() {
    let (committer, _thread, reader) = start(Box::new(MemoryStore::default()));
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
    let results = committer.submit_each(commands).await.unwrap();
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
async fn what_belongs_together_is_done_or_not_done_together() {
    let (committer, _thread, reader) = start(Box::new(MemoryStore::default()));
    let commands = || vec![put("a", Expect::Absent), touch("a"), put("b", Expect::Absent), delete("b", None)];
    assert_eq!(revisions(&committer.submit(together(commands())).await.unwrap()), [1, 2, 3, 4]);
    let before = reader.snapshot();
    // Every command but the last can be done, and is not.
    let failing = vec![put("c", Expect::Absent), touch("a"), delete("a", None), touch("a")];
    let error = committer.submit(together(failing)).await.unwrap_err();
    assert_eq!(error, ServiceError::NotFound(id("a")));
    let validated =
        Transaction { validate_only: true, ..together(vec![delete("a", None), put("d", Expect::Absent)]) };
    assert_eq!(revisions(&committer.submit(validated).await.unwrap()), [5, 6]);
    let after = reader.snapshot();
    assert_eq!((after.revision(), after.len()), (before.revision(), 1));
    assert_eq!(after.get(&id("a")), before.get(&id("a")));
    // What a refused request had touched is as it was for those that share its batch.
    assert_eq!(revisions(&committer.submit(together(vec![touch("a")])).await.unwrap()), [5]);
}

#[tokio::test]
async fn a_request_that_is_repeated_is_answered_and_not_done_again() {
    let store = MemoryStore::default();
    let time = Arc::new(AtomicI64::new(0));
    let clock = || -> Clock {
        let time = Arc::clone(&time);
        Arc::new(move || UnixMicros(time.load(Ordering::SeqCst)))
    };
    let (committer, thread, _) = start_with(Box::new(store.clone()), clock());
    let create = || repeatable(1, 1, vec![put("a", Expect::Absent), put("b", Expect::Absent)]);
    assert_eq!(revisions(&committer.submit(create()).await.unwrap()), [1, 2]);
    assert_eq!(revisions(&committer.submit(create()).await.unwrap()), [1, 2]);
    // Whatever has become of them since.
    committer.submit(repeatable(2, 2, vec![delete("a", None)])).await.unwrap();
    committer.submit(together(vec![touch("b")])).await.unwrap();
    let other = committer.submit(repeatable(1, 9, vec![put("z", Expect::Absent)])).await.unwrap_err();
    let ServiceError::Invalid(violations) = other else { panic!("{other:?}") };
    assert_eq!(
        (violations[0].field.as_str(), violations[0].reason),
        ("request_id", reason::REQUEST_ID_REUSED)
    );
    // A request that failed is not remembered.
    committer.submit(repeatable(3, 3, vec![touch("nobody")])).await.unwrap_err();
    committer.submit(repeatable(3, 4, vec![touch("b")])).await.unwrap();
    tokio::task::spawn_blocking(|| thread.stop().unwrap()).await.unwrap();

    // Nor is it done again after a restart, until an hour has passed.
    time.store(super::done::REMEMBERED.0 - 1, Ordering::SeqCst);
    let (committer, thread, reader) = start_with(Box::new(store.clone()), clock());
    let first = committer.submit(create()).await.unwrap();
    assert_eq!(revisions(&first), [1, 2]);
    assert_eq!(first[1].stored().unwrap().merchant.id, id("b"));
    let deleted = committer.submit(repeatable(2, 2, vec![delete("a", None)])).await.unwrap();
    assert_eq!(deleted[0].change, Change::Delete { id: id("a"), revision: Revision(3) });
    assert_eq!(reader.snapshot().revision(), Revision(5));
    time.store(super::done::REMEMBERED.0, Ordering::SeqCst);
    committer.submit(create()).await.unwrap_err();
    // With fewer outcomes than before: nothing of the old is left beside the new.
    committer.submit(repeatable(1, 1, vec![put("c", Expect::Absent)])).await.unwrap();
    tokio::task::spawn_blocking(|| thread.stop().unwrap()).await.unwrap();
    let mut kept = Vec::new();
    let visit = &mut |one| {
        if let Kept::Request(request) = one {
            kept.push((request.id.0[0], request.outcomes.len()))
        }
    };
    store.clone().load(visit).unwrap();
    assert_eq!(kept, [(1, 1)], "the others are over and forgotten");
}

#[tokio::test]
async fn an_update_keeps_the_time_of_creation() {
    let (committer, _thread, _) = start(Box::new(MemoryStore::default()));
    committer.submit(together(vec![put("a", Expect::Absent)])).await.unwrap();
    let done = committer.submit(together(vec![put("a", Expect::Anything)])).await.unwrap();
    let stored = done[0].stored().unwrap();
    assert!(done[0].existed);
    assert_eq!((stored.create_time, stored.update_time), (UnixMicros(1), UnixMicros(2)));
}

#[tokio::test]
async fn what_waits_is_finished_before_the_committer_ends() {
    let store = MemoryStore::default();
    let (open, gate) = std::sync::mpsc::channel();
    let (committer, thread, _) = start(Box::new(Gated { inner: store.clone(), gate }));
    let waiting: Vec<_> = (0..300)
        .map(|n| {
            let committer = committer.clone();
            tokio::spawn(async move {
                committer.submit(together(vec![put(&format!("m{n}"), Expect::Absent)])).await
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
    let late = committer.submit(together(vec![put("late", Expect::Absent)])).await;
    assert_eq!(late.unwrap_err(), STOPPING);
    let mut count = 0;
    store.clone().load(&mut |_| count += 1).unwrap();
    assert_eq!(count, 300);
}

/// A store that commits nothing until its gate is open.
struct Gated {
    inner: MemoryStore,
    gate: std::sync::mpsc::Receiver<()>,
}

impl Store for Gated {
    fn load(&mut self, visit: &mut dyn FnMut(Kept)) -> Result<Extent, StoreError> {
        self.inner.load(visit)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        // Ends when the other end is dropped.
        let _ended = self.gate.recv();
        self.inner.commit(batch)
    }
}

/// A store whose disk fails at the n-th commit.
struct Failing {
    inner: MemoryStore,
    commits_left: usize,
}

impl Store for Failing {
    fn load(&mut self, visit: &mut dyn FnMut(Kept)) -> Result<Extent, StoreError> {
        self.inner.load(visit)
    }

    fn commit(&mut self, batch: &Batch<'_>) -> Result<(), StoreError> {
        if self.commits_left == 0 {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Io { action: "write", path: "store".into(), source });
        }
        self.commits_left -= 1;
        self.inner.commit(batch)
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_visible_after_the_disk_failed() {
    let index = IndexWriter::load([], Revision::ZERO);
    let reader = index.reader();
    let store = Box::new(Failing { inner: MemoryStore::default(), commits_left: 1 });
    let feed = Feed::new(Revision::ZERO, Vec::new(), Revision::ZERO);
    let clock: Clock = Arc::new(|| UnixMicros(0));
    let parts = Parts { store, index, feed: feed.clone(), done: Vec::new(), finish, clock };
    let (committer, _thread, mut unable) = spawn(parts).unwrap();
    let first = || repeatable(1, 1, vec![put("a", Expect::Absent)]);
    committer.submit(first()).await.unwrap();
    let refused = committer.submit(repeatable(2, 2, vec![put("b", Expect::Absent)])).await;
    assert_eq!(refused.unwrap_err(), ServiceError::ReadOnly);
    assert!(unable.try_recv().is_err_and(|end| end == oneshot::error::TryRecvError::Closed), "it is told");
    let refused = committer.submit(together(vec![put("a", Expect::Absent)])).await;
    assert_eq!(refused.unwrap_err(), ServiceError::AlreadyExists(id("a")), "its own fault comes first");
    let refused = committer.submit(repeatable(2, 2, vec![put("b", Expect::Absent)])).await;
    assert_eq!(refused.unwrap_err(), ServiceError::ReadOnly, "what was not done is not remembered");
    assert_eq!(revisions(&committer.submit(first()).await.unwrap()), [1], "what was done is");
    let snapshot = reader.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (Revision(1), 1));
    assert_eq!(feed.recent(Revision::ZERO, 10).unwrap().len(), 1);
}
