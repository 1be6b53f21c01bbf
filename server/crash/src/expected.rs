//! The expected content of a store: the changes that were sent and acknowledged, and a comparison with what is stored.
//!
//! A unit changes atomically: one merchant, or all merchants of a batch. Its states are in the order in which they were sent, one
//! at a time. What is stored must be one of these states, the same for all merchants of the unit, and not older than the last one
//! that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Content of a store or a server: the display name and the revision of each merchant, by id.
pub(crate) type Content = BTreeMap<String, (String, u64)>;

/// One state of a unit, and when it was sent and acknowledged.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// Display name of each of its merchants; `None` if the state is a deletion.
    pub(crate) name: Option<String>,
    /// Length of the trace just before it was sent.
    pub(crate) sent: u64,
    /// Length of the trace when the acknowledgement had arrived.
    pub(crate) acked: Option<u64>,
}

/// Merchants that change atomically, and their history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) ids: Vec<String>,
    pub(crate) states: Vec<State>,
}

impl Unit {
    /// Returns `true` if the last state was acknowledged and is no deletion.
    pub(crate) fn is_stored(&self) -> bool {
        self.states.last().is_some_and(|state| state.acked.is_some() && state.name.is_some())
    }

    /// Returns the states that may be stored in an image that is cut at a position of the trace. `None` is the initial state.
    fn allowed(&self, cut: u64) -> Vec<Option<&State>> {
        let is_acked = |state: &State| state.acked.is_some_and(|acked| acked <= cut);
        let last = self.states.iter().rposition(is_acked);
        let was_sent = |state: &&State| state.sent < cut || is_acked(state);
        let later = self.states.iter().skip(last.unwrap_or(0)).filter(was_sent).map(Some);
        last.is_none().then_some(None).into_iter().chain(later).collect()
    }
}

/// Returns the display name in a state; `None` if nothing is stored.
fn name_of(state: Option<&State>) -> Option<&str> {
    state.and_then(|state| state.name.as_deref())
}

/// The changes of one worker.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) units: Vec<Unit>,
    /// Number of display names that the worker has used.
    pub(crate) names: u64,
}

impl Model {
    /// Records that a state is about to be sent; returns its index.
    pub(crate) fn send(&mut self, unit: usize, name: Option<String>, sent: u64) -> usize {
        let states = &mut self.units[unit].states;
        states.push(State { name, sent, acked: None });
        states.len() - 1
    }

    /// Records that a state was acknowledged.
    pub(crate) fn ack(&mut self, unit: usize, state: usize, acked: u64) {
        self.units[unit].states[state].acked = Some(acked);
    }

    /// Returns the number of acknowledged states.
    pub(crate) fn acked(&self) -> usize {
        self.units.iter().flat_map(|unit| &unit.states).filter(|state| state.acked.is_some()).count()
    }

    /// Returns the number of states that were sent at a position of the trace or later, and acknowledged.
    pub(crate) fn count_acked_if_sent_since(&self, position: u64) -> usize {
        let states = self.units.iter().flat_map(|unit| &unit.states);
        states.filter(|state| state.acked.is_some() && state.sent >= position).count()
    }

    /// Makes the stored content the initial state: it has survived a start, so it must survive from now on.
    pub(crate) fn reset_to(&mut self, content: &Content) {
        for unit in &mut self.units {
            let name = unit.ids.first().and_then(|id| content.get(id)).map(|(name, _)| name.clone());
            unit.states = vec![State { name, sent: 0, acked: Some(0) }];
        }
    }
}

/// Differences between expected and stored content.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// Units with an older state than the last acknowledged one, or with nothing.
    pub(crate) lost: Vec<String>,
    /// Batches that are stored in part.
    pub(crate) torn: Vec<String>,
    /// Merchants or states that were never sent.
    pub(crate) unexpected: Vec<String>,
}

impl Verdict {
    /// Returns `true` if there is no difference.
    pub(crate) fn is_good(&self) -> bool {
        *self == Self::default()
    }

    /// Returns the kind of the worst difference; `None` if there is none.
    pub(crate) fn kind(&self) -> Option<&'static str> {
        match self {
            verdict if verdict.is_good() => None,
            verdict if !verdict.lost.is_empty() => Some("lost"),
            verdict if !verdict.torn.is_empty() => Some("torn_batch"),
            _ => Some("unexpected"),
        }
    }

    /// Returns the number of differences and the first few of each kind.
    pub(crate) fn describe(&self) -> String {
        let list = |what: &str, differences: &[String]| {
            let shown = differences.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            if differences.is_empty() {
                String::new()
            } else {
                format!("{} {what}: {shown}. ", differences.len())
            }
        };
        list("lost", &self.lost) + &list("torn", &self.torn) + &list("unexpected", &self.unexpected)
    }
}

/// Compares stored content with the changes that were sent and acknowledged up to a position of the trace.
pub(crate) fn check(models: &[Model], content: &Content, cut: u64) -> Verdict {
    let mut verdict = Verdict::default();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for unit in models.iter().flat_map(|model| &model.units) {
        known.extend(unit.ids.iter().map(String::as_str));
        let stored: Vec<Option<&str>> =
            unit.ids.iter().map(|id| content.get(id).map(|(name, _)| name.as_str())).collect();
        let allowed = unit.allowed(cut);
        let is_whole = |state: &Option<&State>| stored.iter().all(|name| *name == name_of(*state));
        if allowed.iter().any(is_whole) {
            continue;
        }
        let is_allowed = |name: &Option<&str>| allowed.iter().any(|state| name_of(*state) == *name);
        let Some(wrong) = stored.iter().position(|name| !is_allowed(name)) else {
            verdict.torn.push(format!("{} and {} more: {stored:?}", unit.ids[0], unit.ids.len() - 1));
            continue;
        };
        let difference = format!(
            "{} (one of {}) is {:?}, but only {:?} are allowed",
            unit.ids[wrong],
            unit.ids.len(),
            stored[wrong],
            allowed.iter().map(|state| name_of(*state)).collect::<Vec<_>>()
        );
        let was_sent =
            |name: &str| unit.states.iter().any(|s| s.name.as_deref() == Some(name) && s.sent < cut);
        match stored[wrong] {
            Some(name) if !was_sent(name) => verdict.unexpected.push(difference),
            _ => verdict.lost.push(difference),
        }
    }
    let unknown = content.iter().filter(|(id, _)| !known.contains(id.as_str()));
    verdict
        .unexpected
        .extend(unknown.map(|(id, (name, _))| format!("{id} is {name:?}, which was never sent")));
    verdict
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn state(name: &str, sent: u64, acked: Option<u64>) -> State {
        State { name: (!name.is_empty()).then(|| name.to_owned()), sent, acked }
    }

    fn models(ids: &[&str], states: &[State]) -> Vec<Model> {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        vec![Model { units: vec![Unit { ids, states: states.to_vec() }], names: 0 }]
    }

    fn content(merchants: &[(&str, &str)]) -> Content {
        merchants.iter().map(|(id, name)| ((*id).to_owned(), ((*name).to_owned(), 1))).collect()
    }

    #[test]
    fn acknowledged_states_are_required_and_sent_states_are_allowed() {
        let models =
            models(&["a"], &[state("1", 0, Some(10)), state("2", 20, Some(30)), state("", 40, None)]);
        for (stored, cut, good) in [
            (content(&[("a", "1")]), 15, true),
            (content(&[("a", "2")]), 15, false),
            (content(&[("a", "1")]), 25, true),
            (content(&[("a", "2")]), 25, true),
            (content(&[("a", "1")]), 35, false),
            (content(&[("a", "2")]), 35, true),
            (content(&[]), 35, false),
            (content(&[]), 45, true),
            (content(&[("a", "2")]), 45, true),
            (content(&[]), 5, true),
            (content(&[("a", "1")]), 5, true),
        ] {
            assert_eq!(check(&models, &stored, cut).is_good(), good, "{stored:?} at {cut}");
        }
    }

    #[test]
    fn a_deleted_merchant_that_reappears_is_lost_data() {
        let models = models(&["a"], &[state("1", 0, Some(10)), state("", 20, Some(30))]);
        let verdict = check(&models, &content(&[("a", "1")]), 99);
        assert_eq!((verdict.lost.len(), verdict.unexpected.len()), (1, 0));
        assert!(check(&models, &content(&[]), 99).is_good());
    }

    #[test]
    fn a_batch_is_stored_completely_or_not_at_all() {
        let models = models(&["a", "b"], &[state("1", 0, None)]);
        assert!(check(&models, &content(&[]), 99).is_good());
        assert!(check(&models, &content(&[("a", "1"), ("b", "1")]), 99).is_good());
        assert_eq!(check(&models, &content(&[("b", "1")]), 99).torn.len(), 1);
    }

    #[test]
    fn content_that_was_never_sent_is_unexpected() {
        let models = models(&["a"], &[state("1", 0, Some(1))]);
        assert_eq!(check(&models, &content(&[("a", "9")]), 99).unexpected.len(), 1);
        assert_eq!(check(&models, &content(&[("a", "1"), ("z", "1")]), 99).unexpected.len(), 1);
    }

    #[test]
    fn content_that_survived_a_start_is_required_afterwards() {
        let mut models = models(&["a"], &[state("1", 0, Some(1)), state("2", 2, None)]);
        models[0].reset_to(&content(&[("a", "2")]));
        assert!(check(&models, &content(&[("a", "2")]), 0).is_good());
        assert_eq!(check(&models, &content(&[("a", "1")]), 0).unexpected.len(), 1);
    }
}
