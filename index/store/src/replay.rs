//! Decodes records and replays the journal on top of them.

use std::{collections::BTreeMap, mem, sync::Arc};

use nearby_index::{MerchantId, Revision, StoredMerchant};

use crate::{
    CompletedRequest, DeriveFields, LogPosition, StateDigest,
    codec::{DecodeError, Entry, LOG_KEY, decode, is_merchant, merchant_key},
    corruption::CorruptionLog,
    journal::Frame,
    sled::Record,
};

/// Decoded records and their digest, without watermarks.
#[derive(Default)]
pub(crate) struct RecordSet {
    /// Merchants in the order of their ids.
    pub(crate) merchants: Vec<Arc<StoredMerchant>>,
    pub(crate) others: BTreeMap<Vec<u8>, Vec<u8>>,
    pub(crate) digest: StateDigest,
    pub(crate) metadata: BaseMetadata,
}

/// Metadata records of a base.
#[derive(Default)]
pub(crate) struct BaseMetadata {
    pub(crate) digest: Option<StateDigest>,
    /// Written by stores from before the journal existed, as is the next field.
    pub(crate) last: Option<Revision>,
    pub(crate) deletions_since: Option<Revision>,
    /// Position in a replicated log.
    pub(crate) position: Option<LogPosition>,
}

impl RecordSet {
    /// Decodes records in key order. Skips invalid ones if corruption is tolerated.
    pub(crate) fn of_records(
        records: Vec<Record>,
        derive_fields: DeriveFields<'_>,
        log: &CorruptionLog,
    ) -> Result<Self, DecodeError> {
        let mut part = Self::default();
        for (key, value) in records {
            match decode(&key, &value) {
                Ok(Entry::Merchant(stored)) => part.push(&key, Arc::new(derive_fields(stored))),
                Ok(Entry::State(last)) => part.metadata.last = Some(last),
                Ok(Entry::Since(since)) => part.metadata.deletions_since = Some(since),
                Ok(Entry::Digest(digest)) => part.metadata.digest = Some(digest),
                Ok(Entry::Log(position)) => part.metadata.position = Some(position),
                Ok(Entry::Deletion { .. } | Entry::Outcome { .. }) => {
                    part.digest.add(&key, Revision::ZERO);
                    part.others.insert(key, value);
                }
                Err(error) => log.report(error)?,
            }
        }
        Ok(part)
    }

    /// Wraps merchants in the order of their ids.
    pub(crate) fn of_merchants(merchants: Vec<Arc<StoredMerchant>>) -> Self {
        let mut part = Self::default();
        for stored in &merchants {
            part.digest.add(&merchant_key(&stored.merchant.id), stored.revision);
        }
        part.merchants = merchants;
        part
    }

    fn push(&mut self, key: &[u8], stored: Arc<StoredMerchant>) {
        self.digest.add(key, stored.revision);
        self.merchants.push(stored);
    }

    /// Concatenates sets of ascending keys.
    pub(crate) fn concat(parts: Vec<Self>) -> Self {
        let mut whole = Self::default();
        whole.merchants.reserve_exact(parts.iter().map(|part| part.merchants.len()).sum());
        // Built at once: appending to a map copies all of it each time.
        let mut others = Vec::with_capacity(parts.iter().map(|part| part.others.len()).sum());
        for mut part in parts {
            whole.merchants.append(&mut part.merchants);
            others.extend(part.others);
            whole.digest.add_all(&part.digest);
            whole.metadata.last = whole.metadata.last.or(part.metadata.last);
            whole.metadata.deletions_since = whole.metadata.deletions_since.or(part.metadata.deletions_since);
            whole.metadata.digest = whole.metadata.digest.or(part.metadata.digest);
            whole.metadata.position = whole.metadata.position.or(part.metadata.position);
        }
        whole.others = others.into_iter().collect();
        whole
    }

    /// Applies commits in order. Skips invalid operations if corruption is tolerated.
    pub(crate) fn replay<'a>(
        &mut self,
        frames: impl Iterator<Item = &'a Frame>,
        derive_fields: DeriveFields<'_>,
        log: &CorruptionLog,
    ) -> Result<(), DecodeError> {
        let mut changed: BTreeMap<MerchantId, Option<Arc<StoredMerchant>>> = BTreeMap::new();
        for frame in frames {
            for operation in frame.operations() {
                let Some((key, value)) = operation else {
                    log.report(DecodeError::Short)?;
                    continue;
                };
                if key == LOG_KEY {
                    match value.as_deref().map(|value| decode(&key, value)) {
                        Some(Ok(Entry::Log(position))) => self.metadata.position = Some(position),
                        Some(Err(error)) => log.report(error)?,
                        _ => log.report(DecodeError::Key)?,
                    }
                    continue;
                }
                if !is_merchant(&key) {
                    self.replay_other(key, value);
                    continue;
                }
                let id = std::str::from_utf8(&key[1..]).ok().and_then(|id| MerchantId::parse(id).ok());
                match (id, value.as_deref().map(|value| decode(&key, value))) {
                    (Some(id), None) => drop(changed.insert(id, None)),
                    (Some(id), Some(Ok(Entry::Merchant(stored)))) => {
                        changed.insert(id, Some(Arc::new(derive_fields(stored))));
                    }
                    (_, Some(Err(error))) => log.report(error)?,
                    _ => log.report(DecodeError::Key)?,
                }
            }
            self.digest.watermarks = frame.after.watermarks;
        }
        self.merge(changed);
        Ok(())
    }

    fn replay_other(&mut self, key: Vec<u8>, value: Option<Vec<u8>>) {
        let before = match value {
            Some(value) => {
                self.digest.add(&key, Revision::ZERO);
                self.others.insert(key.clone(), value)
            }
            None => self.others.remove(&key),
        };
        if before.is_some() {
            self.digest.remove(&key, Revision::ZERO);
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
                    self.digest.remove(&merchant_key(id), stored.revision);
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

/// Revision of a deletion, and the merchant deleted.
type Deletion = (Revision, MerchantId);

/// Decodes the deletions and the completed requests among other records.
pub(crate) fn deletions_and_requests(
    others: BTreeMap<Vec<u8>, Vec<u8>>,
    derive_fields: DeriveFields<'_>,
    log: &CorruptionLog,
) -> Result<(Vec<Deletion>, Vec<Arc<CompletedRequest>>), DecodeError> {
    let (mut deletions, mut requests) = (Vec::new(), Vec::new());
    let mut pending: Option<CompletedRequest> = None;
    for (key, value) in others {
        match decode(&key, &value) {
            Ok(Entry::Deletion { id, revision }) => deletions.push((revision, id)),
            Ok(Entry::Outcome { of, count, number }) => {
                if !append_outcome(&mut pending, of, number, derive_fields) {
                    pending = None;
                    log.report(DecodeError::Outcome)?;
                } else if pending.as_ref().is_some_and(|pending| pending.outcomes.len() == usize::from(count))
                {
                    requests.extend(pending.take().map(Arc::new));
                }
            }
            Ok(_) => log.report(DecodeError::Key)?,
            Err(error) => log.report(error)?,
        }
    }
    if pending.is_some() {
        log.report(DecodeError::Outcome)?;
    }
    Ok((deletions, requests))
}

/// Appends an outcome to the request being assembled. Returns false if it does not follow the previous one.
fn append_outcome(
    request: &mut Option<CompletedRequest>,
    mut next: CompletedRequest,
    number: u16,
    derive_fields: DeriveFields<'_>,
) -> bool {
    for outcome in &mut next.outcomes {
        if let nearby_index::Change::Put(stored) = outcome {
            *stored = Arc::new(derive_fields(StoredMerchant::clone(stored)));
        }
    }
    match request {
        None if number == 0 => *request = Some(next),
        Some(pending) if pending.id == next.id && pending.outcomes.len() == usize::from(number) => {
            pending.outcomes.extend(next.outcomes);
        }
        _ => return false,
    }
    true
}
