//! What is wrong with a store, for those who want to know all of it.

use std::{
    fmt::Display,
    sync::{Mutex, PoisonError},
};

/// Most faults that are told one by one.
const MOST_TOLD: usize = 100;

/// Decides what becomes of a fault: it ends the reading, or it is noted and what it befell is left out.
#[derive(Debug)]
pub(crate) struct Faults {
    tolerates: bool,
    noted: Mutex<(Vec<String>, usize)>,
}

impl Faults {
    /// The first one ends the reading.
    pub(crate) fn refused() -> Self {
        Self { tolerates: false, noted: Mutex::default() }
    }

    /// All are noted.
    pub(crate) fn noted() -> Self {
        Self { tolerates: true, noted: Mutex::default() }
    }

    pub(crate) fn found<E: Display>(&self, fault: E) -> Result<(), E> {
        if !self.tolerates {
            return Err(fault);
        }
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.1 += 1;
        if noted.0.len() < MOST_TOLD {
            noted.0.push(fault.to_string());
        }
        Ok(())
    }

    /// Whether any were noted.
    pub(crate) fn are_noted(&self) -> bool {
        self.noted.lock().unwrap_or_else(PoisonError::into_inner).1 > 0
    }

    /// What was noted.
    pub(crate) fn into_noted(self) -> Vec<String> {
        let (mut told, count) = self.noted.into_inner().unwrap_or_else(PoisonError::into_inner);
        if count > told.len() {
            told.push(format!("and {} more", count - told.len()));
        }
        told
    }
}
