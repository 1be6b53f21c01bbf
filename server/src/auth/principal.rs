//! Principals: authenticated clients.

use std::sync::Arc;

use super::{
    rate_limit::{Exceeded, Rate, RateLimit},
    role::Role,
    role::Roles,
};

/// An authenticated client.
#[derive(Debug)]
pub struct Principal {
    /// Method of authentication, as the audit log shows it: `key`, `token` or `certificate`; `anyone` if authentication is
    /// disabled.
    pub kind: &'static str,
    /// Name for logs; not secret.
    pub name: String,
    roles: Roles,
    rate_limit: Option<Arc<RateLimit>>,
}

impl Principal {
    pub(super) fn new(kind: &'static str, name: String, roles: Roles, rate: Option<Rate>) -> Self {
        Self::with_rate_limit(kind, name, roles, rate.map(|rate| Arc::new(RateLimit::new(rate))))
    }

    /// A principal that shares its rate limit with others, as all tokens of a subject do.
    pub(super) const fn with_rate_limit(
        kind: &'static str,
        name: String,
        roles: Roles,
        rate_limit: Option<Arc<RateLimit>>,
    ) -> Self {
        Self { kind, name, roles, rate_limit }
    }

    /// The principal of every call while authentication is disabled, with all roles.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("anyone", String::new(), Roles::all(), None)
    }

    /// Returns whether the principal has a role.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        self.roles.allow(role)
    }

    /// Charges units of work to the rate limit.
    ///
    /// # Errors
    /// When they exceed the limit; nothing is charged then.
    pub fn charge(&self, units: usize) -> Result<(), Exceeded> {
        self.rate_limit.as_ref().map_or(Ok(()), |rate_limit| rate_limit.charge(units))
    }
}
