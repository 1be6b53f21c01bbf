//! Who calls.

use std::sync::Arc;

use super::{
    rate_limit::{Exceeded, Rate, RateLimit},
    role::Role,
    role::Roles,
};

/// Somebody who calls, once that is known.
#[derive(Debug)]
pub struct Principal {
    /// How it is known: `key`, `token`, `certificate`, or `anyone`.
    pub kind: &'static str,
    /// What it is called, for logs; no secret.
    pub name: String,
    roles: Roles,
    rate_limit: Option<Arc<RateLimit>>,
}

impl Principal {
    pub(super) fn new(kind: &'static str, name: String, roles: Roles, rate: Option<Rate>) -> Self {
        Self::with_rate_limit(kind, name, roles, rate.map(|rate| Arc::new(RateLimit::new(rate))))
    }

    /// Somebody who has what is left of a rate_limit together with others.
    pub(super) const fn with_rate_limit(
        kind: &'static str,
        name: String,
        roles: Roles,
        rate_limit: Option<Arc<RateLimit>>,
    ) -> Self {
        Self { kind, name, roles, rate_limit }
    }

    /// Somebody unknown who has do everything.
    #[must_use]
    pub fn anyone() -> Self {
        Self::new("anyone", String::new(), Roles::all(), None)
    }

    /// Whether what needs a role is allowed.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        self.roles.allow(role)
    }

    /// Takes so many units of work out of what the caller has ask for.
    ///
    /// # Errors
    /// Where there is not so much left; nothing is taken then.
    pub fn charge(&self, units: usize) -> Result<(), Exceeded> {
        self.rate_limit.as_ref().map_or(Ok(()), |rate_limit| rate_limit.charge(units))
    }
}
