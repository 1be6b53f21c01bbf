//! Comparison of the contents of all nodes with the acknowledgements, and with one another.

use std::collections::{BTreeMap, BTreeSet};

use nearby_client::v1::Merchant;

use crate::{
    cluster::load::{
        etags::Etags,
        expectation::{
            CREATED_PREFIX, Creation, Creations, Expectation, Number, PROBE_PREFIX, WORKER_PREFIX,
            counter_id, number_in, session_id,
        },
    },
    expected::{Content, Model, check as check_models},
    load::{copies, lock},
};

/// The content of one node, by id.
#[derive(Clone, Debug, Default)]
pub(crate) struct Export {
    pub(crate) node: String,
    /// The revision that it was read at.
    pub(crate) revision: u64,
    pub(crate) merchants: BTreeMap<String, Merchant>,
}

/// Content that the acknowledgements require.
#[derive(Clone, Debug, Default)]
pub(crate) struct Required {
    pub(crate) models: Vec<Model>,
    pub(crate) etags: Etags,
    pub(crate) counters: Vec<Number>,
    pub(crate) sessions: Vec<Number>,
    pub(crate) creations: Creations,
}

/// Differences between what is required and what is stored.
#[derive(Clone, Debug, Default)]
pub(crate) struct Findings {
    /// Acknowledged writes that are missing.
    pub(crate) lost: Vec<String>,
    /// Writes that were applied more than once.
    pub(crate) repeated: Vec<String>,
    /// Content that was never sent, and batches in part.
    pub(crate) unexpected: Vec<String>,
    /// Differences between nodes.
    pub(crate) diverged: Vec<String>,
}

impl Findings {
    /// Returns `true` if nothing was found.
    pub(crate) fn is_empty(&self) -> bool {
        self.lists().iter().all(|(_, list)| list.is_empty())
    }

    /// Returns the findings by kind.
    pub(crate) fn lists(&self) -> [(&'static str, &[String]); 4] {
        [
            ("lost", &self.lost),
            ("repeated", &self.repeated),
            ("unexpected", &self.unexpected),
            ("diverged", &self.diverged),
        ]
    }

    /// Describes the first findings of each kind.
    pub(crate) fn describe(&self) -> String {
        let shown = |(kind, list): &(&str, &[String])| {
            let first: Vec<&str> = list.iter().take(5).map(String::as_str).collect();
            format!("{} {kind}: {}", list.len(), first.join("; "))
        };
        let lists = self.lists();
        let lines: Vec<String> = lists.iter().filter(|(_, list)| !list.is_empty()).map(shown).collect();
        lines.join("\n")
    }
}

impl Required {
    /// Copies what the writers have recorded.
    pub(crate) fn of(expectation: &Expectation) -> Self {
        Self {
            models: copies(&expectation.models),
            etags: lock(&expectation.etags).clone(),
            counters: lock(&expectation.counters).to_vec(),
            sessions: lock(&expectation.sessions).to_vec(),
            creations: lock(&expectation.creations).clone(),
        }
    }
}

/// Makes what a node contains the initial state of all writers: it is required from now on.
pub(crate) fn reset(expectation: &Expectation, export: &Export) {
    let content = owned(export);
    expectation.models.iter().for_each(|model| lock(model).reset_to(&content));
    lock(&expectation.etags).clear();
    let number = |id: String| {
        let name = export.merchants.get(&id).map(|merchant| merchant.display_name.as_str());
        Number { acknowledged: name.and_then(number_in).unwrap_or_default(), sent: 0 }
    };
    for (number_of, at) in lock(&expectation.counters).iter_mut().zip(0..) {
        *number_of = number(counter_id(at));
    }
    for (number_of, at) in lock(&expectation.sessions).iter_mut().zip(0..) {
        *number_of = number(session_id(at));
    }
    let created =
        export.merchants.values().filter(|merchant| merchant.display_name.starts_with(CREATED_PREFIX));
    let names = created.map(|merchant| (merchant.display_name.clone(), merchant.name.clone()));
    lock(&expectation.creations).reset_to(names);
}

/// Returns the merchants that have one writer each.
fn owned(export: &Export) -> Content {
    let owned =
        export.merchants.iter().filter(|(id, _)| id.starts_with(WORKER_PREFIX) && !is_created(export, id));
    owned.map(|(id, merchant)| (id.clone(), (merchant.display_name.clone(), 0))).collect()
}

/// Compares the contents of all nodes.
pub(crate) fn check(required: &Required, exports: &[Export]) -> Findings {
    let mut findings = Findings::default();
    for export in exports {
        check_owned(required, export, &mut findings);
        for (number, counter) in required.counters.iter().enumerate() {
            check_number(&counter_id(number), *counter, export, &mut findings);
        }
        for (number, session) in required.sessions.iter().enumerate() {
            check_number(&session_id(number), *session, export, &mut findings);
        }
        check_creations(&required.creations, export, &mut findings);
        check_origin(export, &mut findings);
    }
    for pair in exports.windows(2) {
        compare(&pair[0], &pair[1], &mut findings);
    }
    findings
}

/// Checks the merchants that have one writer each: their states, and the versions that were acknowledged last.
fn check_owned(required: &Required, export: &Export, findings: &mut Findings) {
    let node = &export.node;
    let verdict = check_models(&required.models, &owned(export), u64::MAX);
    let at_node = |list: Vec<String>| list.into_iter().map(move |text| format!("{node}: {text}"));
    findings.lost.extend(at_node(verdict.lost));
    findings.unexpected.extend(at_node(verdict.torn));
    findings.unexpected.extend(at_node(verdict.unexpected));
    let settled = settled_ids(&required.models);
    for (name, etag) in required.etags.iter() {
        let id = name.trim_start_matches("merchants/");
        // A merchant whose last change has no answer may have another version.
        let Some(merchant) = export.merchants.get(id).filter(|_| settled.contains(id)) else { continue };
        if merchant.etag != etag {
            findings.repeated.push(format!(
                "{node}: {id} has the etag {} instead of {etag}, which its last change was acknowledged with",
                merchant.etag
            ));
        }
    }
}

/// Returns the ids whose last change was acknowledged.
fn settled_ids(models: &[Model]) -> BTreeSet<&str> {
    let units = models.iter().flat_map(|model| &model.units);
    let settled = units.filter(|unit| unit.states.last().is_some_and(|state| state.acked.is_some()));
    settled.flat_map(|unit| unit.ids.iter().map(String::as_str)).collect()
}

/// Checks a merchant whose value is the number of changes.
fn check_number(id: &str, number: Number, export: &Export, findings: &mut Findings) {
    let stored = export.merchants.get(id).map(|merchant| merchant.display_name.as_str());
    let value = match stored {
        None => 0,
        Some(name) => match number_in(name) {
            Some(value) => value,
            None => {
                findings.unexpected.push(format!("{}: {id} is {name:?}", export.node));
                return;
            }
        },
    };
    let Number { acknowledged, sent } = number;
    let difference = format!("{}: {id} is {value} after {acknowledged} acknowledged changes", export.node);
    if value < acknowledged {
        findings.lost.push(difference);
    } else if value > acknowledged + sent {
        findings.repeated.push(format!("{difference} and {sent} without an answer"));
    }
}

/// Checks the merchants whose ids the server has generated: each is there once.
fn check_creations(creations: &Creations, export: &Export, findings: &mut Findings) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for merchant in
        export.merchants.values().filter(|merchant| merchant.display_name.starts_with(CREATED_PREFIX))
    {
        *counts.entry(&merchant.display_name).or_default() += 1;
    }
    for (name, state) in creations.states() {
        let count = counts.remove(name.as_str()).unwrap_or_default();
        let text = || format!("{}: {name:?} is there {count} times: {state:?}", export.node);
        match (state, count) {
            (Creation::Stored(_), 1) | (Creation::Deleted, 0) => {}
            (Creation::Sent | Creation::DeletionSent, 0 | 1) => {}
            (Creation::Stored(_), 0) | (Creation::Deleted, 1) => findings.lost.push(text()),
            _ => findings.repeated.push(text()),
        }
    }
    let unknown = counts.into_keys().map(|name| format!("{}: {name:?} was never sent", export.node));
    findings.unexpected.extend(unknown);
}

fn is_created(export: &Export, id: &str) -> bool {
    export.merchants.get(id).is_some_and(|merchant| merchant.display_name.starts_with(CREATED_PREFIX))
}

/// Checks that there are no other merchants than those of the harness.
fn check_origin(export: &Export, findings: &mut Findings) {
    let prefixes = [WORKER_PREFIX, PROBE_PREFIX, "counter-", "session-"];
    let is_known = |id: &str| prefixes.iter().any(|prefix| id.starts_with(prefix)) || is_created(export, id);
    let unknown = export.merchants.keys().filter(|id| !is_known(id));
    findings.unexpected.extend(unknown.map(|id| format!("{}: {id} was never sent", export.node)));
}

/// Compares two nodes: revision, ids, and every byte of each merchant.
fn compare(one: &Export, other: &Export, findings: &mut Findings) {
    let between = format!("{} and {}", one.node, other.node);
    if one.revision != other.revision {
        findings.diverged.push(format!("{between}: revisions {} and {}", one.revision, other.revision));
    }
    let ids: BTreeSet<&String> = one.merchants.keys().chain(other.merchants.keys()).collect();
    for id in ids {
        let (left, right) = (one.merchants.get(id), other.merchants.get(id));
        if left != right {
            let shown = |merchant: Option<&Merchant>| {
                merchant.map(|merchant| {
                    (merchant.display_name.clone(), merchant.etag.clone(), merchant.update_time)
                })
            };
            findings.diverged.push(format!("{between}: {id}: {:?} and {:?}", shown(left), shown(right)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        change::{Applied, Change},
        expected::{State, Unit},
    };

    fn merchant(id: &str, display_name: &str, etag: &str) -> Merchant {
        Merchant {
            name: format!("merchants/{id}"),
            display_name: display_name.to_owned(),
            etag: etag.to_owned(),
            ..Default::default()
        }
    }

    fn export(node: &str, merchants: &[Merchant]) -> Export {
        let by_id = |merchant: &Merchant| {
            (merchant.name.trim_start_matches("merchants/").to_owned(), merchant.clone())
        };
        Export { node: node.to_owned(), revision: 10, merchants: merchants.iter().map(by_id).collect() }
    }

    fn state(name: &str, acked: bool) -> State {
        State { name: Some(name.to_owned()), sent: 0, acked: acked.then_some(0) }
    }

    fn unit(id: &str, states: &[State]) -> Model {
        let unit = Unit { ids: vec![id.to_owned()], states: states.to_vec() };
        Model { units: vec![unit], names: 0 }
    }

    /// A worker's merchant, a counter, a session and a merchant without an id, as all acknowledgements require them.
    fn required() -> Required {
        let mut etags = Etags::default();
        let applied = Applied { merchants: vec![merchant("w0-0", "w0 v2", "7")], ..Applied::default() };
        etags.record(&Change::Update(Default::default()), &applied);
        let mut creations = Creations::default();
        let name = creations.send();
        creations.set(&name, Creation::Stored("merchants/0a".to_owned()));
        Required {
            models: vec![unit("w0-0", &[state("w0 v1", true), state("w0 v2", true)])],
            etags,
            counters: vec![Number { acknowledged: 3, sent: 0 }],
            sessions: vec![Number { acknowledged: 5, sent: 1 }],
            creations,
        }
    }

    fn stored() -> Vec<Merchant> {
        vec![
            merchant("w0-0", "w0 v2", "7"),
            merchant("counter-0", "number 3", "8"),
            merchant("session-0", "number 5", "9"),
            merchant("0a", "created 0", "10"),
            merchant("probe-1", "number 4", "11"),
        ]
    }

    /// The findings where one merchant of all nodes is replaced, or removed.
    fn with(at: usize, replacement: Option<Merchant>) -> Findings {
        let mut merchants = stored();
        match replacement {
            Some(replacement) => merchants[at] = replacement,
            None => drop(merchants.remove(at)),
        }
        check(&required(), &[export("node-1", &merchants), export("node-2", &merchants)])
    }

    #[test]
    fn what_was_acknowledged_is_required_and_nothing_else() {
        let exports = [export("node-1", &stored()), export("node-2", &stored())];
        let findings = check(&required(), &exports);
        assert!(findings.is_empty(), "{}", findings.describe());
        assert!(
            with(2, Some(merchant("session-0", "number 6", "12"))).is_empty(),
            "a version without an answer"
        );
    }

    #[test]
    fn lost_writes_are_found() {
        for (at, replacement) in [
            (0, None),
            (0, Some(merchant("w0-0", "w0 v1", "6"))),
            (1, None),
            (1, Some(merchant("counter-0", "number 2", "8"))),
            (2, Some(merchant("session-0", "number 4", "8"))),
            (3, None),
        ] {
            let findings = with(at, replacement.clone());
            assert_eq!(findings.lost.len(), 2, "{replacement:?}: {findings:?}");
            assert!(findings.diverged.is_empty());
        }
    }

    #[test]
    fn writes_that_were_applied_twice_are_found() {
        for (at, replacement) in [
            (0, merchant("w0-0", "w0 v2", "9")),
            (1, merchant("counter-0", "number 4", "9")),
            (2, merchant("session-0", "number 7", "9")),
        ] {
            assert_eq!(with(at, Some(replacement.clone())).repeated.len(), 2, "{replacement:?}");
        }
        let mut merchants = stored();
        merchants.push(merchant("0b", "created 0", "12"));
        assert_eq!(check(&required(), &[export("node-1", &merchants)]).repeated.len(), 1);
    }

    #[test]
    fn a_deletion_that_was_lost_is_found() {
        let mut required = required();
        required.creations.set("created 0", Creation::Deleted);
        assert_eq!(check(&required, &[export("node-1", &stored())]).lost.len(), 1);
    }

    #[test]
    fn content_that_was_never_sent_is_found() {
        for extra in [
            merchant("w0-1", "w0 v9", "12"),
            merchant("w0-1", "created 7", "12"),
            merchant("other", "other", "12"),
            merchant("counter-0", "other", "12"),
        ] {
            let mut merchants = stored();
            merchants.push(extra.clone());
            let findings = check(&required(), &[export("node-1", &merchants)]);
            assert!(!findings.unexpected.is_empty(), "{extra:?}: {findings:?}");
        }
    }

    #[test]
    fn a_difference_between_nodes_is_found_whatever_it_is() {
        let other = |change: fn(&mut Export)| {
            let mut other = export("node-2", &stored());
            change(&mut other);
            check(&required(), &[export("node-1", &stored()), other])
        };
        assert_eq!(other(|export| export.revision = 11).diverged.len(), 1);
        assert_eq!(other(|export| drop(export.merchants.remove("probe-1"))).diverged.len(), 1);
        let brand = |export: &mut Export| {
            if let Some(merchant) = export.merchants.get_mut("probe-1") {
                merchant.brand = "other".to_owned();
            }
        };
        assert_eq!(other(brand).diverged.len(), 1);
    }

    #[test]
    fn a_version_without_an_answer_may_have_another_etag() {
        let mut required = required();
        required.models = vec![unit("w0-0", &[state("w0 v2", true), state("w0 v3", false)])];
        for stored_now in [merchant("w0-0", "w0 v3", "9"), merchant("w0-0", "w0 v2", "7")] {
            let mut merchants = stored();
            merchants[0] = stored_now;
            assert!(check(&required, &[export("node-1", &merchants)]).is_empty());
        }
    }
}
