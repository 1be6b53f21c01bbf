//! Who calls.

use std::sync::Arc;

use super::{
    Role, Roles,
    rate_limit::{Exceeded, Quota, Rate},
};

/// Somebody who calls, once that is known.
#[derive(Debug)]
pub struct Caller {
    /// How it is known: `key`, `token`, `certificate`, or `anyone`.
    pub kind: &'static str,
    /// What it is called, for logs; no secret.
    pub name: String,
    roles: Roles,
    quota: Option<Arc<Quota>>,
}

impl Caller {
    pub(super) fn new(kind: &'static str, name: String, roles: Roles, rate: Option<Rate>) -> Self {
        Self::with_quota(kind, name, roles, rate.map(|rate| Arc::new(Quota::new(rate))))
    }

    /// Somebody who has what is left of a quota together with others.
    pub(super) const fn with_quota(
        kind: &'static str,
        name: String,
        roles: Roles,
        quota: Option<Arc<Quota>>,
    ) -> Self {
        Self { kind, name, roles, quota }
    }

    /// Somebody unknown who may do everything.
    #[must_use]
    pub fn anyone() -> Self {
        Self::new("anyone", String::new(), Roles::all(), None)
    }

    /// Whether what needs a role is allowed.
    #[must_use]
    pub const fn may(&self, role: Role) -> bool {
        self.roles.allow(role)
    }

    /// Takes so many units of work out of what the caller may ask for.
    ///
    /// # Errors
    /// Where there is not so much left; nothing is taken then.
    pub fn charge(&self, units: usize) -> Result<(), Exceeded> {
        self.quota.as_ref().map_or(Ok(()), |quota| quota.charge(units))
    }
}
