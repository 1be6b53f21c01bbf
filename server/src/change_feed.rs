//! What changed lately, for those who follow.
//!
//! The last changes are kept in memory as they were made. Before those, the index itself says which merchants are newer
//! than a revision, and the store keeps which were deleted: so that one can resume from any revision since which all
//! deletions are known, without a log of every change. Of a merchant that changed several times only the last is told
//! then.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, Snapshot};
use tokio::sync::watch;

use crate::error::ServiceError;

/// Changes that are kept in memory, and the bytes that they may hold on to.
const RECENT: usize = 16_384;
const RECENT_BYTES: usize = 64 * 1024 * 1024;
/// Deletions that are kept, on disk too.
pub(crate) const DELETIONS: usize = 100_000;
/// Most changes that one is told at once. Who is farther behind gets there faster by an export.
const MAX_BEHIND: usize = 200_000;

/// What changed lately. Cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct ChangeFeed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    past: Mutex<Past>,
    latest: watch::Sender<Revision>,
}

#[derive(Debug)]
struct Past {
    recent: VecDeque<Change>,
    recent_bytes: usize,
    /// All deletions after a revision, in their order.
    deletions: VecDeque<(Revision, MerchantId)>,
    deletions_since: Revision,
}

impl ChangeFeed {
    /// A feed that begins at a revision, with the deletions that are known from before, in any order, and the revision
    /// since which those are all that there were.
    #[must_use]
    pub fn new(
        latest: Revision,
        mut deletions: Vec<(Revision, MerchantId)>,
        deletions_since: Revision,
    ) -> Self {
        deletions.sort_unstable_by_key(|(revision, _)| *revision);
        let past =
            Past { recent: VecDeque::new(), recent_bytes: 0, deletions: deletions.into(), deletions_since };
        Self { shared: Arc::new(Shared { past: Mutex::new(past), latest: watch::Sender::new(latest) }) }
    }

    /// Wakes whenever there are more changes; its value is the last revision.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Revision> {
        self.shared.latest.subscribe()
    }

    /// The deletions that a commit of these changes would have to forget, and the revision since which all are known
    /// then.
    pub(crate) fn to_forget(&self, changes: &[Change]) -> (Vec<Revision>, Revision) {
        let more = changes.iter().filter(|change| matches!(change, Change::Delete { .. })).count();
        let past = self.past();
        let excess = (past.deletions.len() + more).saturating_sub(DELETIONS);
        let forgotten: Vec<Revision> =
            past.deletions.iter().take(excess).map(|(revision, _)| *revision).collect();
        let since = forgotten.last().copied().unwrap_or(past.deletions_since);
        (forgotten, since)
    }

    /// Tells of changes that are durable and visible.
    pub(crate) fn push(&self, changes: &[Change]) {
        let (forgotten, since) = self.to_forget(changes);
        let mut past = self.past();
        past.deletions.drain(..forgotten.len());
        past.deletions_since = since;
        for change in changes {
            if let Change::Delete { id, revision } = change {
                past.deletions.push_back((*revision, id.clone()));
            }
            past.recent_bytes += bytes_of(change);
            past.recent.push_back(change.clone());
            while past.recent.len() > RECENT || past.recent_bytes > RECENT_BYTES {
                let Some(oldest) = past.recent.pop_front() else { break };
                past.recent_bytes -= bytes_of(&oldest);
            }
        }
        drop(past);
        if let Some(last) = changes.last() {
            self.shared.latest.send_replace(last.revision());
        }
    }

    /// The deletions that are kept.
    pub(crate) fn deletions(&self) -> Vec<(Revision, MerchantId)> {
        self.past().deletions.iter().cloned().collect()
    }

    /// The changes after a revision that are still in memory, up to so many; `None` where some are not.
    #[must_use]
    pub fn recent(&self, after: Revision, most: usize) -> Option<Vec<Change>> {
        let past = self.past();
        if after >= self.latest(&past) {
            return Some(Vec::new());
        }
        let oldest = past.recent.front()?.revision();
        // Revisions have no gaps, so that the place of each is known.
        let skip = (after.0 + 1).checked_sub(oldest.0).and_then(|skip| usize::try_from(skip).ok())?;
        Some(past.recent.iter().skip(skip).take(most).cloned().collect())
    }

    /// All that changed after a revision and that this feed and the snapshot both know of, in its order, the last change of
    /// each merchant at least. What the snapshot is ahead of the feed is left to [`Self::recent`]: its deletions are not
    /// here yet.
    ///
    /// # Errors
    /// Where that is not known any more, or the revision is yet to come.
    pub fn catch_up(&self, after: Revision, snapshot: &Snapshot) -> Result<Vec<Change>, ServiceError> {
        if after > snapshot.revision() {
            return Err(ServiceError::RevisionInFuture { asked: after, now: snapshot.revision() });
        }
        let (mut changes, now): (Vec<Change>, Revision) = {
            let past = self.past();
            if after < past.deletions_since {
                return Err(ServiceError::RevisionTooOld { asked: after, earliest: past.deletions_since });
            }
            let now = self.latest(&past).min(snapshot.revision());
            let deletions =
                past.deletions.iter().filter(|(revision, _)| *revision > after && *revision <= now);
            let deletions =
                deletions.map(|(revision, id)| Change::Delete { id: id.clone(), revision: *revision });
            (deletions.collect(), now)
        };
        for stored in snapshot.list(None).filter(|stored| stored.revision > after && stored.revision <= now) {
            if changes.len() == MAX_BEHIND {
                return Err(ServiceError::RevisionTooOld { asked: after, earliest: now });
            }
            changes.push(Change::Put(Arc::clone(stored)));
        }
        changes.sort_unstable_by_key(Change::revision);
        Ok(changes)
    }

    fn latest(&self, past: &Past) -> Revision {
        past.recent.back().map_or_else(|| *self.shared.latest.borrow(), Change::revision)
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.shared.past.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What a change holds on to.
pub(crate) fn bytes_of(change: &Change) -> usize {
    const BESIDE_BYTES: usize = 512;
    let profile_bytes = match change {
        Change::Put(stored) => stored.merchant.profile.full_len(),
        Change::Delete { .. } => 0,
    };
    profile_bytes + BESIDE_BYTES
}

#[cfg(test)]
mod tests {
    use nearby_index::IndexWriter;

    use super::*;

    fn deleted(revision: u64) -> Change {
        Change::Delete {
            id: MerchantId::parse(&format!("m{revision}")).unwrap(),
            revision: Revision(revision),
        }
    }

    fn revisions(changes: &[Change]) -> Vec<u64> {
        changes.iter().map(|change| change.revision().0).collect()
    }

    #[test]
    fn what_is_in_memory_is_told_as_it_was() {
        let feed = ChangeFeed::new(Revision(10), Vec::new(), Revision(10));
        assert_eq!(feed.recent(Revision(10), 9), Some(Vec::new()), "nothing has happened yet");
        assert_eq!(feed.recent(Revision(9), 9), None, "what was before is not in memory");
        feed.push(&[deleted(11), deleted(12)]);
        feed.push(&[deleted(13)]);
        for (after, most, expected) in
            [(10, 9, &[11, 12, 13][..]), (11, 9, &[12, 13]), (10, 2, &[11, 12]), (13, 9, &[])]
        {
            assert_eq!(revisions(&feed.recent(Revision(after), most).unwrap()), expected);
        }
        assert_eq!(feed.recent(Revision(9), 9), None);
        let many: Vec<Change> = (14..14 + RECENT as u64).map(deleted).collect();
        feed.push(&many);
        assert_eq!(feed.recent(Revision(12), 9), None, "it is bounded");
        assert_eq!(revisions(&feed.recent(Revision(13), 1).unwrap()), [14]);
    }

    #[test]
    fn only_so_many_deletions_are_kept_and_what_is_before_them_is_too_old() {
        let feed =
            ChangeFeed::new(Revision(2), vec![(Revision(2), MerchantId::parse("a").unwrap())], Revision(1));
        let snapshot = |revision| IndexWriter::load([], Revision(revision)).reader().snapshot();
        let too_old = |asked, earliest| {
            Err(ServiceError::RevisionTooOld { asked: Revision(asked), earliest: Revision(earliest) })
        };
        assert_eq!(feed.catch_up(Revision(0), &snapshot(2)), too_old(0, 1));
        assert_eq!(feed.catch_up(Revision(1), &snapshot(2)).map(|changes| revisions(&changes)), Ok(vec![2]));
        let future = ServiceError::RevisionInFuture { asked: Revision(3), now: Revision(2) };
        assert_eq!(feed.catch_up(Revision(3), &snapshot(2)), Err(future));
        // A commit is in the index a moment before it is here: what is not here yet is not told, and not lost.
        assert_eq!(feed.catch_up(Revision(2), &snapshot(5)), Ok(Vec::new()));

        let last = 2 + DELETIONS as u64;
        let many: Vec<Change> = (3..last).map(deleted).collect();
        assert_eq!(feed.to_forget(&many), (Vec::new(), Revision(1)), "all that there is room for");
        feed.push(&many);
        assert_eq!(feed.catch_up(Revision(1), &snapshot(last)).unwrap().len(), DELETIONS);
        assert_eq!(feed.to_forget(&[deleted(last)]), (vec![Revision(2)], Revision(2)));
        feed.push(&[deleted(last)]);
        assert_eq!(feed.catch_up(Revision(1), &snapshot(last)), too_old(1, 2));
        assert_eq!(feed.catch_up(Revision(2), &snapshot(last)).unwrap().len(), DELETIONS);
    }
}
