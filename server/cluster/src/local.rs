//! The log of a single node: the journal of its store, which is also the local copy.

use std::collections::VecDeque;

use bytes::Bytes;
use nearby_store::{Store, StoreError};

use crate::{
    identity::Sequence,
    log::{Answer, CommitLog, LogEvent, LogInfo, Monotonic, Proposal},
};

/// The journal of a store as a commit log. Sequences count the commits since the store was opened.
///
/// There is one writer, and the journal is synced before a commit is answered, so that answers are available at once. The
/// journal has an encoding of its own, and its commits are not read back one by one: opening the store recovers them all.
pub struct LocalLog {
    store: Box<dyn Store>,
    last: Sequence,
    failure: Option<StoreError>,
    events: VecDeque<LogEvent>,
}

impl LocalLog {
    /// Wraps an open store.
    #[must_use]
    pub fn new(store: Box<dyn Store>) -> Self {
        Self { store, last: Sequence::ZERO, failure: None, events: VecDeque::new() }
    }

    /// Returns the store, for checkpoints and the digest.
    pub fn store(&mut self) -> &mut dyn Store {
        self.store.as_mut()
    }

    /// Returns the store, to close it.
    #[must_use]
    pub fn into_store(self) -> Box<dyn Store> {
        self.store
    }

    /// Returns the error of the last proposal, if the store refused it.
    pub fn take_failure(&mut self) -> Option<StoreError> {
        self.failure.take()
    }
}

impl CommitLog for LocalLog {
    fn propose(&mut self, proposal: &Proposal<'_>) {
        let answer = if proposal.base == self.last {
            match self.store.commit(proposal.batch) {
                Ok(()) => {
                    self.last = self.last.next();
                    Answer::Stored(self.last)
                }
                Err(error) => {
                    let reason = error.to_string();
                    // A full disk refuses a commit as a whole. After a failed sync the commit may be on the disk.
                    let answer =
                        if error.is_failure() { Answer::Unknown(reason) } else { Answer::Refused(reason) };
                    self.failure = Some(error);
                    answer
                }
            }
        } else {
            Answer::WrongLast(self.last)
        };
        self.events.push_back(LogEvent::Answer { attempt: proposal.attempt, answer });
    }

    fn follow(&mut self, _: Sequence) {}

    fn read(&mut self, request: u64, _: Sequence) {
        self.events.push_back(LogEvent::Read { request, message: None });
    }

    fn inspect(&mut self, request: u64) {
        let (first, last) = (self.last.next(), self.last);
        let info = LogInfo { is_authoritative: true, first, last, ..LogInfo::default() };
        self.events.push_back(LogEvent::Info { request, info });
    }

    fn announce(&mut self, announcement: Bytes) {
        self.events.push_back(LogEvent::Announcement(announcement));
    }

    fn reconnect(&mut self) {}

    fn poll(&mut self, _: Monotonic) -> Option<LogEvent> {
        self.events.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use nearby_store::{
        Batch, Contents, DurableStore, LogPosition, MemoryStore, OwnedBatch, StateDigest, StoreHealth,
        StoreOptions,
    };

    use super::*;
    use crate::conformance::{self, Fixture, Opened, merchants};

    #[test]
    fn a_store_in_memory_passes_conformance_suite() {
        conformance::run(|| {
            let shared = MemoryStore::default();
            Fixture {
                open: Box::new(move || {
                    let recovered = Some((shared.loaded().digest, merchants(&shared.loaded())));
                    Opened { log: Box::new(LocalLog::new(Box::new(shared.clone()))), recovered }
                }),
                pause: || {},
            }
        });
    }

    #[test]
    fn the_journal_passes_conformance_suite() {
        conformance::run(|| {
            let directory = tempfile::tempdir().unwrap();
            Fixture {
                open: Box::new(move || {
                    let (store, state) =
                        DurableStore::open(directory.path(), &StoreOptions::DEFAULT).unwrap();
                    let recovered = Some((state.digest, merchants(&state)));
                    Opened { log: Box::new(LocalLog::new(Box::new(store))), recovered }
                }),
                pause: || {},
            }
        });
    }

    struct FailingStore(fn() -> StoreError);

    impl Store for FailingStore {
        fn commit(&mut self, _: &Batch<'_>) -> Result<(), StoreError> {
            Err((self.0)())
        }
        fn append(&mut self, _: &Batch<'_>) -> Result<(), StoreError> {
            Err((self.0)())
        }
        fn sync(&mut self) -> Result<(), StoreError> {
            Ok(())
        }
        fn digest(&self) -> StateDigest {
            StateDigest::default()
        }
        fn position(&self) -> Option<LogPosition> {
            None
        }
        fn health(&self) -> std::sync::Arc<StoreHealth> {
            std::sync::Arc::default()
        }
        fn is_checkpoint_due(&mut self) -> bool {
            false
        }
        fn checkpoint(&mut self, _: Contents) {}
        fn close(self: Box<Self>, _: Contents) -> Result<(), StoreError> {
            Ok(())
        }
    }

    #[test]
    fn a_full_disk_refuses_a_commit_and_a_failed_sync_leaves_its_outcome_unknown() {
        let full = || StoreError::Full { action: "write", path: PathBuf::from("journal") };
        let failed = || StoreError::Io {
            action: "sync",
            path: PathBuf::from("journal"),
            source: std::io::ErrorKind::TimedOut.into(),
        };
        let answer = |error: fn() -> StoreError| {
            let mut log = LocalLog::new(Box::new(FailingStore(error)));
            let batch = OwnedBatch::default();
            let proposal = Proposal {
                attempt: 3,
                base: Sequence::ZERO,
                batch: &batch.as_batch(&[]),
                message: Bytes::new(),
            };
            log.propose(&proposal);
            let kept = log.take_failure().map(|error| error.to_string());
            assert_eq!(kept, Some(error().to_string()));
            match log.poll(Monotonic::ZERO) {
                Some(LogEvent::Answer { attempt: 3, answer }) => answer,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(answer(full), Answer::Refused(full().to_string()));
        assert_eq!(answer(failed), Answer::Unknown(failed().to_string()));
    }
}
