//! One round: a healthy cluster under load, a fault, the recovery, and the comparison of all contents.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::{
    checker::{self, Findings, Required},
    faults::{self, FaultScene},
    fixture::Cluster,
    kinds::Kind,
    load::{ClusterLoad, ledger::Record},
    recovery::{Recovery, RemedyKind, recover},
    statistics::Figures,
};
use crate::{error::Result, load::lock};

/// Time of the load before the fault, with which the searches during the fault are compared.
const BASELINE: Duration = Duration::from_millis(2_000);
/// Time of the load after the recovery.
const AFTERWARDS: Duration = Duration::from_millis(700);
/// Time limit for every node to accept writes before the fault, and to apply the whole log after the load.
const TIMEOUT: Duration = Duration::from_secs(60);
/// Attempts to read all nodes at one revision.
const ATTEMPTS: usize = 5;

/// Result of a round.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) figures: Figures,
    pub(crate) record: Record,
    pub(crate) search_failures: u64,
    pub(crate) findings: Findings,
    /// Failures that are not findings about the content.
    pub(crate) failures: Vec<String>,
    /// Choices and events of the fault.
    pub(crate) notes: Vec<String>,
}

impl Outcome {
    /// Returns the descriptions of all failures.
    pub(crate) fn describe(&self) -> Option<String> {
        let mut failures = self.failures.clone();
        if self.record.wrong_count > 0 {
            let shown: Vec<&str> = self.record.wrong.iter().take(5).map(String::as_str).collect();
            failures.push(format!("{} wrong answers: {}", self.record.wrong_count, shown.join("; ")));
        }
        if !self.findings.is_empty() {
            failures.push(self.findings.describe());
        }
        let notes = self.notes.join("; ");
        (!failures.is_empty()).then(|| format!("{}\n[{notes}]", failures.join("\n")))
    }
}

/// Runs a round.
pub(crate) async fn run(cluster: &mut Cluster, kind: &Kind, rng: &mut Pcg64Mcg) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let load = ClusterLoad::start(&cluster.handles(), &cluster.expectation, rng.random());
    if let Err(error) = disturb(cluster, kind, &load, rng, &mut outcome).await {
        outcome.failures.push(error.to_string());
    }
    outcome.record = load.ledger.snapshot();
    let ledger = load.ledger.clone();
    load.stop().await;
    outcome.record.wrong = ledger.snapshot().wrong;
    outcome.record.wrong_count = ledger.snapshot().wrong_count;
    if outcome.record.compared == 0 {
        outcome.failures.push("no read was compared with a write at another node".to_owned());
    }
    // After a failure the contents are of interest as well, if the nodes still answer.
    match compare(cluster).await {
        Ok(findings) => outcome.findings = findings,
        Err(error) => outcome.failures.push(error.to_string()),
    }
    Ok(outcome)
}

/// Injects the fault under load, and waits for the recovery.
async fn disturb(
    cluster: &mut Cluster,
    kind: &Kind,
    load: &ClusterLoad,
    rng: &mut Pcg64Mcg,
    outcome: &mut Outcome,
) -> Result<()> {
    wait_until_writable(cluster, load).await?;
    let baseline = Instant::now();
    tokio::time::sleep(BASELINE).await;
    let start = Instant::now();
    let mut scene = FaultScene { cluster, load, rng, notes: Vec::new() };
    let injected = faults::inject(kind.fault, &mut scene).await;
    outcome.notes = scene.notes;
    injected.map_err(|error| format!("the fault ended early: {error}"))?;
    let recovery = recover(cluster, load).await??;
    let recovered = Instant::now();
    tokio::time::sleep(AFTERWARDS).await;
    let searches = lock(&load.searches).clone();
    outcome.search_failures = searches.failures.len() as u64;
    outcome.failures.extend(searches.describe(start));
    outcome.failures.extend(judge(kind, &recovery));
    outcome.figures = Figures {
        gap: load.ledger.snapshot().longest_gap(start, recovered),
        before: searches.latencies(baseline, start),
        during: searches.latencies(start, recovered),
        outcome: words(&recovery),
    };
    Ok(())
}

async fn wait_until_writable(cluster: &Cluster, load: &ClusterLoad) -> Result<()> {
    let start = Instant::now();
    for node in 0..cluster.nodes.count() {
        while !load.probe(node).await {
            if start.elapsed() > TIMEOUT {
                return Err(format!("node-{} accepts no writes before the fault", node + 1).into());
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
    Ok(())
}

/// Returns the failures of a recovery: remedies that the kind does not allow, and writes that no node should have accepted.
fn judge(kind: &Kind, recovery: &Recovery) -> Vec<String> {
    let used: BTreeSet<RemedyKind> = recovery.remedies.iter().map(|remedy| remedy.kind()).collect();
    let forbidden: Vec<&str> =
        used.iter().filter(|used| !kind.remedies.contains(used)).map(|used| used.words()).collect();
    let mut failures = Vec::new();
    if !forbidden.is_empty() {
        failures.push(format!("{} does not end by itself: {recovery:?}", kind.name));
    }
    if recovery.acknowledged_despite_faults > 0 {
        failures.push(format!(
            "{} writes were acknowledged while every node reported a fault: {recovery:?}",
            recovery.acknowledged_despite_faults
        ));
    }
    failures
}

/// Returns the faults and remedies, in words.
fn words(recovery: &Recovery) -> String {
    if recovery.remedies.is_empty() && recovery.faults.is_empty() {
        return "by itself".to_owned();
    }
    let used: BTreeSet<RemedyKind> = recovery.remedies.iter().map(|remedy| remedy.kind()).collect();
    let faults = recovery.faults.iter().map(String::as_str);
    faults.chain(used.iter().map(|used| used.words())).collect::<Vec<_>>().join(", ")
}

/// Compares the contents of all nodes, without load, and makes them the expected ones.
async fn compare(cluster: &mut Cluster) -> Result<Findings> {
    let mut attempt = 0;
    loop {
        attempt += 1;
        cluster.wait_until_equal(TIMEOUT).await?;
        let exports = cluster.export().await?;
        // Nodes also commit without a client, such as to forget request ids.
        let is_at_one_revision = exports.windows(2).all(|pair| pair[0].revision == pair[1].revision);
        if !is_at_one_revision && attempt < ATTEMPTS {
            continue;
        }
        let mut findings = checker::check(&Required::of(&cluster.expectation), &exports);
        let verification = cluster.commands.verify(cluster.nodes.url(0)).await?;
        let hashes: BTreeSet<&str> = verification.nodes.iter().map(|node| node.hash.as_str()).collect();
        if !verification.equal || hashes.len() != 1 || verification.nodes.len() != cluster.nodes.count() {
            findings.diverged.push(format!("content hashes: {verification:?}"));
        }
        if let Some(export) = exports.first().filter(|_| findings.is_empty()) {
            checker::reset(&cluster.expectation, export);
        }
        return Ok(findings);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::cluster::{kinds, recovery::Remedy};

    #[test]
    fn a_remedy_that_a_kind_does_not_allow_is_a_failure() {
        let kind = |name: &str| kinds::all().find(|kind| kind.name == name).unwrap();
        let healed = Recovery { remedies: vec![Remedy::Heal { from: 0 }], ..Recovery::default() };
        assert!(judge(kind("old-all"), &healed).is_empty());
        assert_eq!(judge(kind("leader-killed"), &healed).len(), 1);
        assert!(judge(kind("leader-killed"), &Recovery::default()).is_empty());
        let written = Recovery { acknowledged_despite_faults: 1, ..healed };
        assert_eq!(judge(kind("old-all"), &written).len(), 1);
    }

    #[test]
    fn an_outcome_without_findings_is_no_failure() {
        let mut outcome = Outcome::default();
        assert_eq!(outcome.describe(), None);
        outcome.record.wrong_count = 1;
        assert!(outcome.describe().is_some());
        let findings = Findings { lost: vec!["w0-1".to_owned()], ..Findings::default() };
        assert!(Outcome { findings, ..Outcome::default() }.describe().unwrap().contains("1 lost: w0-1"));
    }
}
