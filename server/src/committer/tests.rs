//! What the committer acknowledges, and what it refuses.

use std::sync::{Arc, Mutex};

use nearby_index::{
    AnyPosition, Change, IndexWriter, Merchant, MerchantId, Position, Profile, Revision, StoredMerchant,
    Terms, UnixMicros, Visibility,
};
use nearby_store::{MemoryStore, Store, StoreError};

use super::*;

fn id(id: &str) -> MerchantId {
    MerchantId::parse(id).unwrap()
}

fn put(name: &str, expect: Expect) -> Command {
    let merchant = Merchant {
        id: id(name),
        position: AnyPosition::Wgs84(Position::new(60.17, 24.94).unwrap()),
        visibility: Visibility::Visible,
        terms: Terms::default(),
        profile: Profile::new(b"").unwrap(),
    };
    Command::Put { merchant, expect }
}

fn delete(name: &str, version: Option<u64>) -> Command {
    Command::Delete { id: id(name), version: version.map(Revision) }
}

fn start(store: Box<dyn Store>) -> (CommitterHandle, CommitterThread, IndexReader) {
    let index = IndexWriter::load([], Revision::ZERO);
    let reader = index.reader();
    let ticks = Mutex::new(0);
    let clock: Clock = Arc::new(move || {
        let mut ticks = ticks.lock().unwrap();
        *ticks += 1;
        UnixMicros(*ticks)
    });
    let (handle, thread, _) = spawn(store, index, clock).unwrap();
    (handle, thread, reader)
}

#[tokio::test]
async fn commands_of_one_batch_see_one_another() {
    let (committer, _thread, reader) = start(Box::new(MemoryStore::default()));
    let results = committer
        .submit(vec![
            put("a", Expect::Absent),
            put("a", Expect::Absent),
            put("a", Expect::Version(Revision(1))),
            put("a", Expect::Version(Revision(1))),
            delete("a", Some(1)),
            delete("a", Some(2)),
            delete("a", None),
            put("b", Expect::Version(Revision(1))),
            put("b", Expect::Anything),
        ])
        .await
        .unwrap();
    let revisions: Vec<_> =
        results.iter().map(|r| r.as_ref().map(|done| done.change.revision().0).ok()).collect();
    assert_eq!(revisions, [Some(1), None, Some(2), None, None, Some(3), None, None, Some(4)]);
    assert_eq!(results[1].as_ref().unwrap_err(), &ServiceError::AlreadyExists(id("a")));
    assert_eq!(results[3].as_ref().unwrap_err(), &ServiceError::Conflict(id("a")));
    assert_eq!(results[4].as_ref().unwrap_err(), &ServiceError::Conflict(id("a")));
    assert_eq!(results[6].as_ref().unwrap_err(), &ServiceError::NotFound(id("a")));
    let snapshot = reader.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (Revision(4), 1));
}

#[tokio::test]
async fn an_update_keeps_the_time_of_creation() {
    let (committer, _thread, _) = start(Box::new(MemoryStore::default()));
    committer.submit(vec![put("a", Expect::Absent)]).await.unwrap();
    let results = committer.submit(vec![put("a", Expect::Anything)]).await.unwrap();
    let done = results[0].as_ref().unwrap();
    let stored = done.stored().unwrap();
    assert!(done.existed);
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
            tokio::spawn(async move { committer.submit(vec![put(&format!("m{n}"), Expect::Absent)]).await })
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
        assert!(task.await.unwrap().unwrap()[0].is_ok());
    }
    let late = committer.submit(vec![put("late", Expect::Absent)]).await;
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
    fn load(&mut self, visit: &mut dyn FnMut(StoredMerchant)) -> Result<Revision, StoreError> {
        self.inner.load(visit)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        // Ends when the other end is dropped.
        let _ended = self.gate.recv();
        self.inner.commit(changes)
    }
}

/// A store whose disk fails at the n-th commit.
struct Failing {
    inner: MemoryStore,
    commits_left: usize,
}

impl Store for Failing {
    fn load(&mut self, visit: &mut dyn FnMut(StoredMerchant)) -> Result<Revision, StoreError> {
        self.inner.load(visit)
    }

    fn commit(&mut self, changes: &[Change]) -> Result<(), StoreError> {
        if self.commits_left == 0 {
            let source = std::io::Error::from(std::io::ErrorKind::StorageFull);
            return Err(StoreError::Io { action: "write", path: "store".into(), source });
        }
        self.commits_left -= 1;
        self.inner.commit(changes)
    }
}

#[tokio::test]
async fn nothing_is_acknowledged_or_visible_after_the_disk_failed() {
    let inner = MemoryStore::default();
    let index = IndexWriter::load([], Revision::ZERO);
    let reader = index.reader();
    let store = Box::new(Failing { inner, commits_left: 1 });
    let (committer, _thread, mut unable) = spawn(store, index, Arc::new(|| UnixMicros(0))).unwrap();
    assert!(committer.submit(vec![put("a", Expect::Absent)]).await.unwrap()[0].is_ok());
    let results = committer.submit(vec![put("b", Expect::Absent), put("a", Expect::Absent)]).await.unwrap();
    assert!(matches!(results[0], Err(ServiceError::ReadOnly)));
    assert!(unable.try_recv().is_err_and(|end| end == oneshot::error::TryRecvError::Closed), "it is told");
    assert!(matches!(results[1], Err(ServiceError::AlreadyExists(_))), "its own fault comes first");
    let snapshot = reader.snapshot();
    assert_eq!((snapshot.revision(), snapshot.len()), (Revision(1), 1));
}
