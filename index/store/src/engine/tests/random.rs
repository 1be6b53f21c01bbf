//! Random batches, and stores with short segments for them.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use nearby_index::{Revision, UnixMicros};

use crate::{
    Batch, CompletedRequest, DurableStore, Forget, RecoveredState, RequestId, StoreOptions,
    conformance::{delete, of, position, put},
};

/// Short segments.
pub(super) const OPTIONS: StoreOptions<'static> =
    StoreOptions { checkpoint_journal_bytes: 1 << 18, ..StoreOptions::DEFAULT };

pub(super) fn open(directory: &Path) -> (DurableStore, RecoveredState) {
    DurableStore::open(directory, &OPTIONS).unwrap()
}

/// Random numbers that depend on a seed only.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    pub(super) fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }
}

#[expect(clippy::print_stdout, reason = "the seed reproduces a failure")]
pub(super) fn show_seed(seed: u64) {
    println!("seed {seed}");
}

/// Passes a random batch for a state to `apply`: changes, or only a position. Half of the changes complete a request.
pub(super) fn random_batch(random: &mut Random, state: &RecoveredState, apply: &mut dyn FnMut(&Batch<'_>)) {
    let sequence = state.position.map_or(0, |position| position.sequence) + 1;
    let mut versions: BTreeMap<String, Revision> =
        state.merchants.iter().map(|stored| (stored.merchant.id.to_string(), stored.revision)).collect();
    let count = if random.percent(30) { 0 } else { 1 + random.below(8) };
    let (mut changes, mut replaces) = (Vec::new(), Vec::new());
    for n in 0..count {
        let revision = state.digest.watermarks.last.0 + 1 + n as u64;
        let id = format!("m{}", random.below(12));
        let length = if random.percent(20) { 30_000 } else { random.below(700) };
        replaces.push(versions.remove(&id));
        changes.push(if random.percent(25) {
            delete(&id, revision)
        } else {
            versions.insert(id.clone(), Revision(revision));
            put(&id, revision, &vec![u8::try_from(revision % 251).unwrap(); length])
        });
    }
    let completed = Vec::from_iter((count > 0 && random.percent(50)).then(|| {
        Arc::new(CompletedRequest {
            id: RequestId(u128::from(sequence).to_be_bytes()),
            fingerprint: [3; 16],
            completed_at: UnixMicros(5),
            outcomes: changes.clone(),
        })
    }));
    let forget: Vec<Forget> =
        state.deletions.first().map(|first| Forget::Deletion(first.0)).into_iter().collect();
    let is_forgetting = count > 0 && random.percent(30);
    apply(&Batch {
        replaces: &replaces,
        completed: &completed,
        forget: if is_forgetting { &forget } else { &[] },
        position: Some(position(sequence)),
        ..of(&changes)
    });
}
