//! The content that the acknowledgements require, as the writers record it.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use super::etags::Etags;
use crate::load::{SharedModel, models};

/// Number of counters.
pub(crate) const COUNTERS: usize = 4;
/// Number of sessions.
pub(crate) const SESSIONS: usize = 2;
/// Number of writers with merchants of their own.
const WORKERS: usize = 6;

/// Start of the ids of these merchants.
pub(crate) const WORKER_PREFIX: &str = "w";
/// Start of the display names of the merchants whose ids the server generates.
pub(crate) const CREATED_PREFIX: &str = "created ";
/// Start of the ids of merchants to which the harness writes in order to test that a node accepts writes.
pub(crate) const PROBE_PREFIX: &str = "probe-";

/// Returns the id of a counter.
pub(crate) fn counter_id(counter: usize) -> String {
    format!("counter-{counter}")
}

/// Returns the id of the merchant of a session.
pub(crate) fn session_id(session: usize) -> String {
    format!("session-{session}")
}

/// Returns the display name of a merchant with this value or version.
pub(crate) fn display_name(number: u64) -> String {
    format!("number {number}")
}

/// Returns the value or version in a display name.
pub(crate) fn number_in(display_name: &str) -> Option<u64> {
    display_name.strip_prefix("number ")?.parse().ok()
}

/// A number that changes by acknowledged writes: the value of a counter, the version of a session's merchant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Number {
    /// The value after the acknowledged changes.
    pub(crate) acknowledged: u64,
    /// Changes without an answer, which may or may not be applied.
    pub(crate) sent: u64,
}

/// State of a merchant whose id the server generates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Creation {
    Sent,
    /// Acknowledged with this name.
    Stored(String),
    DeletionSent,
    Deleted,
}

/// The merchants whose ids the server generates, by display name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Creations {
    next: u64,
    states: BTreeMap<String, Creation>,
}

impl Creations {
    /// Records that a merchant is about to be created; returns its display name.
    pub(crate) fn send(&mut self) -> String {
        let display_name = format!("{CREATED_PREFIX}{}", self.next);
        self.next += 1;
        self.set(&display_name, Creation::Sent);
        display_name
    }

    /// Records the state of a merchant.
    pub(crate) fn set(&mut self, display_name: &str, state: Creation) {
        self.states.insert(display_name.to_owned(), state);
    }

    /// Returns the display names and names of all merchants that are stored.
    pub(crate) fn stored(&self) -> Vec<(String, String)> {
        let name = |(display_name, state): (&String, &Creation)| match state {
            Creation::Stored(name) => Some((display_name.clone(), name.clone())),
            Creation::Sent | Creation::DeletionSent | Creation::Deleted => None,
        };
        self.states.iter().filter_map(name).collect()
    }

    /// Returns all states, by display name.
    pub(crate) fn states(&self) -> &BTreeMap<String, Creation> {
        &self.states
    }

    /// Makes the stored merchants the initial state.
    pub(crate) fn reset_to(&mut self, stored: impl Iterator<Item = (String, String)>) {
        self.states = stored.map(|(display_name, name)| (display_name, Creation::Stored(name))).collect();
    }
}

pub(crate) type SharedCounters = Arc<Mutex<[Number; COUNTERS]>>;
pub(crate) type SharedSessions = Arc<Mutex<[Number; SESSIONS]>>;
pub(crate) type SharedCreations = Arc<Mutex<Creations>>;

/// The expected content, which outlives the writers.
#[derive(Clone)]
pub(crate) struct Expectation {
    pub(crate) models: Vec<SharedModel>,
    pub(crate) etags: Arc<Mutex<Etags>>,
    pub(crate) counters: SharedCounters,
    pub(crate) sessions: SharedSessions,
    pub(crate) creations: SharedCreations,
}

impl Default for Expectation {
    fn default() -> Self {
        Self {
            models: models(WORKERS),
            etags: Arc::default(),
            counters: Arc::default(),
            sessions: Arc::default(),
            creations: Arc::default(),
        }
    }
}
