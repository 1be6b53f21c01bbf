//! Recent changes, for watchers.
//!
//! The last changes are kept in memory as they were committed. For revisions before those, the index yields the merchants that
//! have changed since, and the store keeps the deletions: a watcher can resume from any revision since which all deletions are
//! known, without a log of every change. It then receives only the last change of a merchant that changed several times.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use nearby_index::{Change, MerchantId, Revision, Snapshot};
use tokio::sync::watch;

use crate::error::ServiceError;

/// Limits of the changes in memory: their number, and the memory that they keep alive.
const MAX_RECENT_CHANGES: usize = 16_384;
const MAX_RECENT_BYTES: usize = 64 * 1024 * 1024;
/// Deletions that are kept, also on disk.
const MAX_DELETIONS: usize = 100_000;
/// Changes that one call of [`ChangeFeed::catch_up`] returns. A watcher that is further behind catches up faster with an export.
const MAX_CATCH_UP: usize = 200_000;

/// The recent changes. Cheap to clone; clones share them.
#[derive(Clone, Debug)]
pub struct ChangeFeed {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    history: Mutex<History>,
    latest: watch::Sender<Revision>,
}

#[derive(Debug)]
struct History {
    recent: VecDeque<Change>,
    recent_bytes: usize,
    /// All deletions after `deletions_since`, by ascending revision.
    deletions: VecDeque<(Revision, MerchantId)>,
    deletions_since: Revision,
}

impl ChangeFeed {
    /// A feed that starts at the revision `latest`. `deletions` contains all deletions since `deletions_since`, in any order.
    #[must_use]
    pub fn new(
        latest: Revision,
        mut deletions: Vec<(Revision, MerchantId)>,
        deletions_since: Revision,
    ) -> Self {
        deletions.sort_unstable_by_key(|(revision, _)| *revision);
        let history = History {
            recent: VecDeque::new(),
            recent_bytes: 0,
            deletions: deletions.into(),
            deletions_since,
        };
        Self { inner: Arc::new(Inner { history: Mutex::new(history), latest: watch::Sender::new(latest) }) }
    }

    /// Returns a receiver of the latest revision, which is notified of every commit.
    #[must_use]
    pub fn subscribe(&self) -> watch::Receiver<Revision> {
        self.inner.latest.subscribe()
    }

    /// Returns the deletions that a commit of `changes` must drop to stay within the limit, and the revision since which all
    /// deletions are known after it.
    pub(crate) fn to_forget(&self, changes: &[Change]) -> (Vec<Revision>, Revision) {
        let added = changes.iter().filter(|change| matches!(change, Change::Delete { .. })).count();
        let history = self.history();
        let excess = (history.deletions.len() + added).saturating_sub(MAX_DELETIONS);
        let dropped: Vec<Revision> =
            history.deletions.iter().take(excess).map(|(revision, _)| *revision).collect();
        let since = dropped.last().copied().unwrap_or(history.deletions_since);
        (dropped, since)
    }

    /// Adds changes that are durable and visible, drops the deletions up to `since` as their commit has done, and notifies
    /// subscribers.
    pub(crate) fn push(&self, changes: &[Change], since: Revision) {
        let mut history = self.history();
        while history.deletions.front().is_some_and(|(revision, _)| *revision <= since) {
            history.deletions.pop_front();
        }
        history.deletions_since = since;
        for change in changes {
            if let Change::Delete { id, revision } = change {
                history.deletions.push_back((*revision, id.clone()));
            }
            history.recent_bytes += bytes_of(change);
            history.recent.push_back(change.clone());
            while history.recent.len() > MAX_RECENT_CHANGES || history.recent_bytes > MAX_RECENT_BYTES {
                let Some(oldest) = history.recent.pop_front() else { break };
                history.recent_bytes -= bytes_of(&oldest);
            }
        }
        drop(history);
        if let Some(last) = changes.last() {
            self.inner.latest.send_replace(last.revision());
        }
    }

    /// Returns the deletions that are kept.
    pub(crate) fn deletions(&self) -> Vec<(Revision, MerchantId)> {
        self.history().deletions.iter().cloned().collect()
    }

    /// Returns up to `max` changes after a revision; `None` if some of them are no longer in memory.
    #[must_use]
    pub fn recent(&self, after: Revision, max: usize) -> Option<Vec<Change>> {
        let history = self.history();
        if after >= self.latest(&history) {
            return Some(Vec::new());
        }
        let oldest = history.recent.front()?.revision();
        // Revisions have no gaps, so the index of each change is known.
        let skip = (after.0 + 1).checked_sub(oldest.0).and_then(|skip| usize::try_from(skip).ok())?;
        Some(history.recent.iter().skip(skip).take(max).cloned().collect())
    }

    /// Returns the changes after a revision, by ascending revision, at least the last one of each merchant. Changes that the
    /// snapshot contains but the feed does not yet are left to [`Self::recent`], as their deletions are not yet known here.
    ///
    /// # Errors
    /// When the changes are no longer known, or the revision is in the future.
    pub fn catch_up(&self, after: Revision, snapshot: &Snapshot) -> Result<Vec<Change>, ServiceError> {
        if after > snapshot.revision() {
            return Err(ServiceError::RevisionInFuture { asked: after, now: snapshot.revision() });
        }
        let (mut changes, now): (Vec<Change>, Revision) = {
            let history = self.history();
            if after < history.deletions_since {
                return Err(ServiceError::RevisionTooOld { asked: after, earliest: history.deletions_since });
            }
            let now = self.latest(&history).min(snapshot.revision());
            let deletions =
                history.deletions.iter().filter(|(revision, _)| *revision > after && *revision <= now);
            let deletions =
                deletions.map(|(revision, id)| Change::Delete { id: id.clone(), revision: *revision });
            (deletions.collect(), now)
        };
        for stored in snapshot.list(None).filter(|stored| stored.revision > after && stored.revision <= now) {
            if changes.len() == MAX_CATCH_UP {
                return Err(ServiceError::RevisionTooOld { asked: after, earliest: now });
            }
            changes.push(Change::Put(Arc::clone(stored)));
        }
        changes.sort_unstable_by_key(Change::revision);
        Ok(changes)
    }

    fn latest(&self, history: &History) -> Revision {
        history.recent.back().map_or_else(|| *self.inner.latest.borrow(), Change::revision)
    }

    fn history(&self) -> MutexGuard<'_, History> {
        self.inner.history.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Approximate memory that a change keeps alive.
pub(crate) fn bytes_of(change: &Change) -> usize {
    const OVERHEAD_BYTES: usize = 512;
    let profile_bytes = match change {
        Change::Put(stored) => stored.merchant.profile.full_len(),
        Change::Delete { .. } => 0,
    };
    profile_bytes + OVERHEAD_BYTES
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

    fn push(feed: &ChangeFeed, changes: &[Change]) {
        let (_, since) = feed.to_forget(changes);
        feed.push(changes, since);
    }

    #[test]
    fn recent_changes_are_returned_in_order() {
        let feed = ChangeFeed::new(Revision(10), Vec::new(), Revision(10));
        assert_eq!(feed.recent(Revision(10), 9), Some(Vec::new()), "no change yet");
        assert_eq!(feed.recent(Revision(9), 9), None, "earlier changes are not in memory");
        push(&feed, &[deleted(11), deleted(12)]);
        push(&feed, &[deleted(13)]);
        for (after, max, expected) in
            [(10, 9, &[11, 12, 13][..]), (11, 9, &[12, 13]), (10, 2, &[11, 12]), (13, 9, &[])]
        {
            assert_eq!(revisions(&feed.recent(Revision(after), max).unwrap()), expected);
        }
        assert_eq!(feed.recent(Revision(9), 9), None);
        let many: Vec<Change> = (14..14 + MAX_RECENT_CHANGES as u64).map(deleted).collect();
        push(&feed, &many);
        assert_eq!(feed.recent(Revision(12), 9), None, "the number in memory is limited");
        assert_eq!(revisions(&feed.recent(Revision(13), 1).unwrap()), [14]);
    }

    #[test]
    fn deletions_are_limited_and_revisions_before_them_are_too_old() {
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
        // A commit is in the index before it is in the feed. Until then, its changes are not returned, and they are not lost.
        assert_eq!(feed.catch_up(Revision(2), &snapshot(5)), Ok(Vec::new()));

        let last = 2 + MAX_DELETIONS as u64;
        let many: Vec<Change> = (3..last).map(deleted).collect();
        assert_eq!(feed.to_forget(&many), (Vec::new(), Revision(1)), "exactly the limit");
        push(&feed, &many);
        assert_eq!(feed.catch_up(Revision(1), &snapshot(last)).unwrap().len(), MAX_DELETIONS);
        assert_eq!(feed.to_forget(&[deleted(last)]), (vec![Revision(2)], Revision(2)));
        push(&feed, &[deleted(last)]);
        assert_eq!(feed.catch_up(Revision(1), &snapshot(last)), too_old(1, 2));
        assert_eq!(feed.catch_up(Revision(2), &snapshot(last)).unwrap().len(), MAX_DELETIONS);
    }
}
