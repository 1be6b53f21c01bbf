//! What was sent and what was acknowledged, and whether what is there now agrees with it.
//!
//! A unit is what changes together: one merchant, or all merchants of an atomic batch. Its states are in the order in which
//! they were sent, one after the other, so that what is there must be one state, the same for all its merchants, and none
//! from before the last that was acknowledged.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// What a store or a server holds: the id of each merchant, its display name and its revision.
pub(crate) type Content = BTreeMap<String, (String, u64)>;

/// What one state of a unit is, and when it went out and came back.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct State {
    /// The display name of each of its merchants; none where they are deleted.
    pub(crate) name: Option<String>,
    /// The position of the trace just before it was sent.
    pub(crate) sent: u64,
    /// The position of the trace when the acknowledgement had come.
    pub(crate) acked: Option<u64>,
}

/// Merchants that change together, and their history.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Unit {
    pub(crate) ids: Vec<String>,
    pub(crate) states: Vec<State>,
}

impl Unit {
    /// Whether its merchants were there when last anybody knew.
    pub(crate) fn is_put(&self) -> bool {
        self.states.last().is_some_and(|state| state.acked.is_some() && state.name.is_some())
    }

    /// The states that may be there in an image cut at a position, with the state before the first as `None`.
    fn allowed(&self, cut: u64) -> Vec<Option<&State>> {
        let is_acked = |state: &State| state.acked.is_some_and(|stamp| stamp <= cut);
        let last = self.states.iter().rposition(is_acked);
        let begun = |state: &&State| state.sent < cut || is_acked(state);
        let later = self.states.iter().skip(last.unwrap_or(0)).filter(begun).map(Some);
        last.is_none().then_some(None).into_iter().chain(later).collect()
    }
}

/// The display name that a state gives, none where there is nothing.
fn name_of(state: Option<&State>) -> Option<&str> {
    state.and_then(|state| state.name.as_deref())
}

/// What one worker has sent.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Model {
    pub(crate) units: Vec<Unit>,
    /// How many names this worker has given.
    pub(crate) names: u64,
}

impl Model {
    /// Says that a state is about to be sent; returns its number.
    pub(crate) fn send(&mut self, unit: usize, name: Option<String>, sent: u64) -> usize {
        let states = &mut self.units[unit].states;
        states.push(State { name, sent, acked: None });
        states.len() - 1
    }

    /// Says that a state was acknowledged.
    pub(crate) fn ack(&mut self, unit: usize, state: usize, stamp: u64) {
        self.units[unit].states[state].acked = Some(stamp);
    }

    /// How many states were acknowledged.
    pub(crate) fn acked(&self) -> usize {
        self.units.iter().flat_map(|unit| &unit.states).filter(|state| state.acked.is_some()).count()
    }

    /// The states that were sent at a position or later and acknowledged all the same.
    pub(crate) fn acked_although_sent_after(&self, position: u64) -> usize {
        let states = self.units.iter().flat_map(|unit| &unit.states);
        states.filter(|state| state.acked.is_some() && state.sent >= position).count()
    }

    /// Takes what is there as what must be there from now on: it has survived a start.
    pub(crate) fn settle(&mut self, content: &Content) {
        for unit in &mut self.units {
            let there = unit.ids.first().and_then(|id| content.get(id)).map(|(name, _)| name.clone());
            unit.states = vec![State { name: there, sent: 0, acked: Some(0) }];
        }
    }
}

/// What is wrong with what is there.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Verdict {
    /// An older state than one that was acknowledged, or nothing at all.
    pub(crate) lost: Vec<String>,
    /// An atomic batch in part.
    pub(crate) torn: Vec<String>,
    /// Something that nobody had sent.
    pub(crate) strange: Vec<String>,
}

impl Verdict {
    /// Whether nothing is wrong.
    pub(crate) fn is_good(&self) -> bool {
        *self == Self::default()
    }

    /// How many things are wrong, and the first few of them.
    pub(crate) fn words(&self) -> String {
        let some = |what: &str, list: &[String]| {
            let shown = list.iter().take(5).cloned().collect::<Vec<_>>().join("; ");
            if list.is_empty() { String::new() } else { format!("{} {what}: {shown}. ", list.len()) }
        };
        some("lost", &self.lost) + &some("torn", &self.torn) + &some("strange", &self.strange)
    }
}

/// Compares what is there with what was sent and acknowledged up to a position of the trace.
pub(crate) fn check(models: &[Model], content: &Content, cut: u64) -> Verdict {
    let mut verdict = Verdict::default();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for unit in models.iter().flat_map(|model| &model.units) {
        known.extend(unit.ids.iter().map(String::as_str));
        let there: Vec<Option<&str>> =
            unit.ids.iter().map(|id| content.get(id).map(|(name, _)| name.as_str())).collect();
        let allowed = unit.allowed(cut);
        let is_whole = |state: &Option<&State>| there.iter().all(|name| *name == name_of(*state));
        if allowed.iter().any(is_whole) {
            continue;
        }
        let is_allowed = |name: &Option<&str>| allowed.iter().any(|state| name_of(*state) == *name);
        let Some(wrong) = there.iter().position(|name| !is_allowed(name)) else {
            verdict.torn.push(format!("{} and {} more: {there:?}", unit.ids[0], unit.ids.len() - 1));
            continue;
        };
        let says = format!(
            "{} of {} is {:?}, allowed are {:?}",
            unit.ids[wrong],
            unit.ids.len(),
            there[wrong],
            allowed.iter().map(|state| name_of(*state)).collect::<Vec<_>>()
        );
        let was_sent =
            |name: &str| unit.states.iter().any(|s| s.name.as_deref() == Some(name) && s.sent < cut);
        match there[wrong] {
            Some(name) if !was_sent(name) => verdict.strange.push(says),
            _ => verdict.lost.push(says),
        }
    }
    let unknown = content.iter().filter(|(id, _)| !known.contains(id.as_str()));
    verdict.strange.extend(unknown.map(|(id, (name, _))| format!("{id} is {name:?}, which nobody sent")));
    verdict
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may")]
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
    fn what_was_acknowledged_must_be_there_and_what_was_sent_may() {
        let models =
            models(&["a"], &[state("1", 0, Some(10)), state("2", 20, Some(30)), state("", 40, None)]);
        for (there, cut, good) in [
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
            assert_eq!(check(&models, &there, cut).is_good(), good, "{there:?} at {cut}");
        }
    }

    #[test]
    fn a_deletion_stays_a_deletion() {
        let models = models(&["a"], &[state("1", 0, Some(10)), state("", 20, Some(30))]);
        let verdict = check(&models, &content(&[("a", "1")]), 99);
        assert_eq!((verdict.lost.len(), verdict.strange.len()), (1, 0));
        assert!(check(&models, &content(&[]), 99).is_good());
    }

    #[test]
    fn a_batch_is_there_whole_or_not_at_all() {
        let models = models(&["a", "b"], &[state("1", 0, None)]);
        assert!(check(&models, &content(&[]), 99).is_good());
        assert!(check(&models, &content(&[("a", "1"), ("b", "1")]), 99).is_good());
        assert_eq!(check(&models, &content(&[("b", "1")]), 99).torn.len(), 1);
    }

    #[test]
    fn what_nobody_sent_is_strange() {
        let models = models(&["a"], &[state("1", 0, Some(1))]);
        assert_eq!(check(&models, &content(&[("a", "9")]), 99).strange.len(), 1);
        assert_eq!(check(&models, &content(&[("a", "1"), ("z", "1")]), 99).strange.len(), 1);
    }

    #[test]
    fn what_survived_a_start_must_stay() {
        let mut models = models(&["a"], &[state("1", 0, Some(1)), state("2", 2, None)]);
        models[0].settle(&content(&[("a", "2")]));
        assert!(check(&models, &content(&[("a", "2")]), 0).is_good());
        assert_eq!(check(&models, &content(&[("a", "1")]), 0).strange.len(), 1);
    }
}
