//! Opening hours of a merchant: a week of periods, or an expression that the server evaluates.
//!
//! The index has no clock and no calendar. It keeps what decides the state, and beside an expression the
//! [`Schedule`] that was computed from it last, so that a search only looks up an instant.

mod expression;
mod schedule;
mod weekly;

use std::sync::{Arc, LazyLock};

pub use self::{
    expression::ExpressionHours,
    schedule::{OpenStatus, Schedule, Stretch},
    weekly::{LocalTime, Period, WeeklyHours},
};
use crate::interner::Interner;

/// Interned hours: many merchants share the same hours.
static ALL: LazyLock<Interner<Hours>> = LazyLock::new(Interner::new);

/// Opening hours in one time zone.
#[derive(Debug, PartialEq, Eq, Hash)]
pub enum Hours {
    /// Weekly periods, and special days.
    Weekly(WeeklyHours),
    /// An expression in the syntax of OpenStreetMap.
    Expression(ExpressionHours),
}

impl Hours {
    /// Interns the hours, so that merchants with equal hours share one allocation.
    #[must_use]
    pub fn interned(self) -> Arc<Self> {
        ALL.intern(Arc::new(self))
    }

    /// Returns all interned hours with an expression, in no order; also some that no merchant has any more.
    #[must_use]
    pub fn interned_expressions() -> Vec<Arc<Self>> {
        ALL.select(|hours| matches!(hours, Self::Expression(_)))
    }

    /// Returns the IANA name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        match self {
            Self::Weekly(hours) => hours.zone(),
            Self::Expression(hours) => hours.zone(),
        }
    }
}
