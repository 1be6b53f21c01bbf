//! What a command comes to, given what is there and what the batch has decided already.

use std::{collections::HashMap, sync::Arc};

use nearby_index::{Change, MerchantId, Revision, Snapshot, StoredMerchant, UnixMicros};
use nearby_store::{DoneRequest, RequestId};

use super::{Command, Expect, Finish, RequestKey, Stamp, idempotency::Done};
use crate::{error::ServiceError, reason};

/// A command that was done.
#[derive(Clone, Debug)]
pub struct Committed {
    /// The change that it came to.
    pub change: Change,
    /// Whether there was a merchant of that id before.
    pub existed: bool,
}

impl Committed {
    /// The version that a put made; `None` of a delete.
    #[must_use]
    pub fn stored(&self) -> Option<&Arc<StoredMerchant>> {
        match &self.change {
            Change::Put(stored) => Some(stored),
            Change::Delete { .. } => None,
        }
    }
}

/// Most bytes that the merchants of one request may have together, so that clients can take the answer.
pub(super) const MOST_BYTES: usize = 3_500_000;

/// A batch that is being decided on top of a snapshot.
pub(super) struct Draft<'a> {
    base: Arc<Snapshot>,
    done_before: &'a Done,
    finish: Finish,
    now: UnixMicros,
    /// What the batch makes of the merchants it touches.
    touched: HashMap<MerchantId, Option<Arc<StoredMerchant>>>,
    changes: Vec<Change>,
    /// What each change replaces.
    replaces: Vec<Option<Revision>>,
    done: Vec<Arc<DoneRequest>>,
    last: Revision,
}

/// What a batch came to.
pub(super) struct Decided {
    pub(super) changes: Vec<Change>,
    pub(super) replaces: Vec<Option<Revision>>,
    pub(super) done: Vec<Arc<DoneRequest>>,
}

impl<'a> Draft<'a> {
    pub(super) fn on(base: Arc<Snapshot>, done_before: &'a Done, finish: Finish, now: UnixMicros) -> Self {
        let last = base.revision();
        let (touched, changes, replaces, done) = (HashMap::new(), Vec::new(), Vec::new(), Vec::new());
        Self { base, done_before, finish, now, touched, changes, replaces, done, last }
    }

    pub(super) fn into_decided(self) -> Decided {
        Decided { changes: self.changes, replaces: self.replaces, done: self.done }
    }

    /// Adds the commands of a request to the batch, or none of them and says why. A request that was done before comes
    /// to what it came to then.
    pub(super) fn decide_together(
        &mut self,
        commands: Vec<Command>,
        request: Option<RequestKey>,
        validate_only: bool,
    ) -> Result<Vec<Committed>, ServiceError> {
        if let Some(outcomes) = request.map(|request| self.repeated(request)).transpose()?.flatten() {
            return Ok(outcomes.into_iter().map(|change| Committed { change, existed: true }).collect());
        }
        let (changes, last) = (self.changes.len(), self.last);
        let mut undo = Vec::new();
        let decided = self.decide_all(commands, &mut undo);
        if decided.is_err() || validate_only {
            self.changes.truncate(changes);
            self.replaces.truncate(changes);
            self.last = last;
            for (id, before) in undo.into_iter().rev() {
                match before {
                    Some(before) => self.touched.insert(id, before),
                    None => self.touched.remove(&id),
                };
            }
        } else if let (Some(RequestKey { id, fingerprint }), Ok(committed)) = (request, &decided) {
            let outcomes = committed.iter().map(|one| one.change.clone()).collect();
            self.done.push(Arc::new(DoneRequest { id, fingerprint, done: self.now, outcomes }));
        }
        decided
    }

    fn decide_all(
        &mut self,
        commands: Vec<Command>,
        undo: &mut Vec<(MerchantId, Option<Option<Arc<StoredMerchant>>>)>,
    ) -> Result<Vec<Committed>, ServiceError> {
        let mut bytes = 0;
        let mut all = Vec::with_capacity(commands.len());
        for command in commands {
            let id = command.id().clone();
            let before = self.touched.get(&id).cloned();
            let committed = self.decide(command)?;
            undo.push((id, before));
            bytes += committed.stored().map_or(0, |stored| stored.merchant.profile.full_len() + 8);
            all.push(committed);
        }
        if bytes > MOST_BYTES && all.len() > 1 {
            return Err(ServiceError::AnswerTooLarge(MOST_BYTES));
        }
        Ok(all)
    }

    /// What a request came to, if it was done before.
    fn repeated(&self, request: RequestKey) -> Result<Option<Vec<Change>>, ServiceError> {
        let of = |id: RequestId| {
            self.done.iter().find(|done| done.id == id).or_else(|| self.done_before.get(id, self.now))
        };
        match of(request.id) {
            None => Ok(None),
            Some(done) if done.fingerprint == request.fingerprint => Ok(Some(done.outcomes.clone())),
            Some(_) => Err(ServiceError::invalid(
                "request_id",
                reason::REQUEST_ID_REUSED,
                "was used for another request; make a new UUID for each request, and repeat one only with the request \
                 unchanged",
            )),
        }
    }

    /// Adds one command to the batch, or says why not.
    pub(super) fn decide(&mut self, command: Command) -> Result<Committed, ServiceError> {
        let (before, merchant) = match command {
            Command::Put { merchant, expect } => {
                let before = self.current(&merchant.id);
                if expect == Expect::Absent && before.is_some() {
                    return Err(ServiceError::AlreadyExists(merchant.id));
                }
                (before, merchant)
            }
            Command::Edit { id, edit } => {
                let before = self.current(&id);
                let merchant = edit(before.as_deref())?;
                (before, merchant)
            }
            Command::Delete { id, version } => {
                let Some(before) = self.current(&id) else { return Err(ServiceError::NotFound(id)) };
                if version.is_some_and(|version| version != before.revision) {
                    return Err(ServiceError::Conflict(id));
                }
                return Ok(self.add(Change::Delete { id, revision: self.last.next() }, Some(before.revision)));
            }
        };
        let replaced = before.as_ref().map(|before| before.revision);
        let stays = before.as_ref().filter(|before| before.merchant.position == merchant.position);
        let stamp = Stamp {
            revision: self.last.next(),
            placed: stays.map_or(self.last.next(), |before| before.placed),
            create_time: before.map_or(self.now, |before| before.create_time),
            update_time: self.now,
        };
        let stored = Arc::new((self.finish)(merchant, stamp));
        Ok(self.add(Change::Put(stored), replaced))
    }

    fn current(&self, id: &MerchantId) -> Option<Arc<StoredMerchant>> {
        match self.touched.get(id) {
            Some(touched) => touched.clone(),
            None => self.base.get(id).cloned(),
        }
    }

    fn add(&mut self, change: Change, replaced: Option<Revision>) -> Committed {
        let after = match &change {
            Change::Put(stored) => Some(Arc::clone(stored)),
            Change::Delete { .. } => None,
        };
        self.touched.insert(change.id().clone(), after);
        self.last = change.revision();
        self.changes.push(change.clone());
        self.replaces.push(replaced);
        Committed { change, existed: replaced.is_some() }
    }
}
