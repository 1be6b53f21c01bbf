//! From what was read to what a server starts with.

use std::{collections::BTreeMap, mem, sync::Arc};

use nearby_index::{MerchantId, Revision, StoredMerchant};

use crate::{
    DoneRequest, Faults, Restore, Tally,
    codec::{DecodeError, Entry, decode, is_merchant, merchant_key},
    journal::Frame,
    sled::Record,
};

/// Merchants and other records, and their tally but for its extent.
#[derive(Default)]
pub(crate) struct Part {
    /// In the order of their ids.
    pub(crate) merchants: Vec<Arc<StoredMerchant>>,
    pub(crate) others: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) tally: Tally,
    pub(crate) head: Head,
}

/// What the records say of themselves as a whole.
#[derive(Default)]
pub(crate) struct Head {
    pub(crate) tally: Option<Tally>,
    /// In stores of before the journal, these two.
    pub(crate) last: Option<Revision>,
    pub(crate) deletions_since: Option<Revision>,
}

impl Part {
    /// Of records in the order of their keys. Faults that are tolerated are left out.
    pub(crate) fn of_records(
        records: Vec<Record>,
        restore: Restore<'_>,
        faults: &Faults,
    ) -> Result<Self, DecodeError> {
        let mut part = Self::default();
        for (key, value) in records {
            match decode(&key, &value) {
                Ok(Entry::Merchant(stored)) => part.push(&key, Arc::new(restore(stored))),
                Ok(Entry::State(last)) => part.head.last = Some(last),
                Ok(Entry::Since(since)) => part.head.deletions_since = Some(since),
                Ok(Entry::Tally(tally)) => part.head.tally = Some(tally),
                Ok(Entry::Deletion { .. } | Entry::Outcome { .. }) => {
                    part.tally.add(&key, Revision::ZERO);
                    part.others.insert(key, value);
                }
                Err(error) => faults.found(error)?,
            }
        }
        Ok(part)
    }

    /// Of merchants in the order of their ids.
    pub(crate) fn of_merchants(merchants: Vec<Arc<StoredMerchant>>) -> Self {
        let mut part = Self::default();
        for stored in &merchants {
            part.tally.add(&merchant_key(&stored.merchant.id), stored.revision);
        }
        part.merchants = merchants;
        part
    }

    fn push(&mut self, key: &[u8], stored: Arc<StoredMerchant>) {
        self.tally.add(key, stored.revision);
        self.merchants.push(stored);
    }

    /// One after the other.
    pub(crate) fn concat(parts: Vec<Self>) -> Self {
        let mut whole = Self::default();
        whole.merchants.reserve_exact(parts.iter().map(|part| part.merchants.len()).sum());
        for mut part in parts {
            whole.merchants.append(&mut part.merchants);
            whole.others.append(&mut part.others);
            whole.tally.add_all(&part.tally);
            whole.head.last = whole.head.last.or(part.head.last);
            whole.head.deletions_since = whole.head.deletions_since.or(part.head.deletions_since);
            whole.head.tally = whole.head.tally.or(part.head.tally);
        }
        whole
    }

    /// Brings it up to the end of some commits. Faults that are tolerated are left out.
    pub(crate) fn replay<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Frame>,
        restore: Restore<'_>,
        faults: &Faults,
    ) -> Result<(), DecodeError> {
        let mut changed: BTreeMap<MerchantId, Option<Arc<StoredMerchant>>> = BTreeMap::new();
        for frame in frames {
            for operation in frame.operations() {
                let Some((key, value)) = operation else {
                    faults.found(DecodeError::Short)?;
                    continue;
                };
                if !is_merchant(&key) {
                    self.replay_other(key, value);
                    continue;
                }
                let id = std::str::from_utf8(&key[1..]).ok().and_then(|id| MerchantId::parse(id).ok());
                match (id, value.as_deref().map(|value| decode(&key, value))) {
                    (Some(id), None) => drop(changed.insert(id, None)),
                    (Some(id), Some(Ok(Entry::Merchant(stored)))) => {
                        changed.insert(id, Some(Arc::new(restore(stored))));
                    }
                    (_, Some(Err(error))) => faults.found(error)?,
                    _ => faults.found(DecodeError::Key)?,
                }
            }
            self.tally.extent = frame.after.extent;
        }
        self.merge(changed);
        Ok(())
    }

    fn replay_other(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let before = match value {
            Some(value) => {
                self.tally.add(&key, Revision::ZERO);
                self.others.insert(key.clone(), value)
            }
            None => self.others.remove(&key),
        };
        if before.is_some() {
            self.tally.remove(&key, Revision::ZERO);
        }
    }

    fn merge(&mut self, changed: BTreeMap<MerchantId, Option<Arc<StoredMerchant>>>) {
        if changed.is_empty() {
            return;
        }
        let before = mem::take(&mut self.merchants);
        self.merchants = Vec::with_capacity(before.len() + changed.len());
        let mut changed = changed.into_iter().peekable();
        for stored in before {
            let id = &stored.merchant.id;
            while let Some((_, new)) = changed.next_if(|(changed, _)| changed < id) {
                self.push_changed(new);
            }
            match changed.next_if(|(changed, _)| changed == id) {
                Some((_, new)) => {
                    self.tally.remove(&merchant_key(id), stored.revision);
                    self.push_changed(new);
                }
                None => self.merchants.push(stored),
            }
        }
        changed.for_each(|(_, new)| self.push_changed(new));
    }

    fn push_changed(&mut self, new: Option<Arc<StoredMerchant>>) {
        if let Some(stored) = new {
            self.push(&merchant_key(&stored.merchant.id), stored);
        }
    }
}

/// When a merchant was deleted, and which.
type Deletion = (Revision, MerchantId);

/// The deletions and the requests among records.
pub(crate) fn deletions_and_requests(
    others: BTreeMap<Vec<u8>, Vec<u8>>,
    restore: Restore<'_>,
    faults: &Faults,
) -> Result<(Vec<Deletion>, Vec<Arc<DoneRequest>>), DecodeError> {
    let (mut deletions, mut requests) = (Vec::new(), Vec::new());
    let mut begun: Option<DoneRequest> = None;
    for (key, value) in others {
        match decode(&key, &value) {
            Ok(Entry::Deletion { id, revision }) => deletions.push((revision, id)),
            Ok(Entry::Outcome { of, count, number }) => {
                if !gather(&mut begun, of, number, restore) {
                    begun = None;
                    faults.found(DecodeError::Outcome)?;
                } else if begun.as_ref().is_some_and(|begun| begun.outcomes.len() == usize::from(count)) {
                    requests.extend(begun.take().map(Arc::new));
                }
            }
            Ok(_) => faults.found(DecodeError::Key)?,
            Err(error) => faults.found(error)?,
        }
    }
    if begun.is_some() {
        faults.found(DecodeError::Outcome)?;
    }
    Ok((deletions, requests))
}

/// Puts the next outcome to those before it; whether it follows them.
fn gather(
    request: &mut Option<DoneRequest>,
    mut next: DoneRequest,
    number: u16,
    restore: Restore<'_>,
) -> bool {
    for outcome in &mut next.outcomes {
        if let nearby_index::Change::Put(stored) = outcome {
            *stored = Arc::new(restore(StoredMerchant::clone(stored)));
        }
    }
    match request {
        None if number == 0 => *request = Some(next),
        Some(begun) if begun.id == next.id && begun.outcomes.len() == usize::from(number) => {
            begun.outcomes.extend(next.outcomes);
        }
        _ => return false,
    }
    true
}
