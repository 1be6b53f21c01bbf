//! Principals: authenticated clients.

use std::{
    borrow::Cow,
    hash::{BuildHasher, RandomState},
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, LazyLock},
};

use super::{
    rate_limit::{Cost, Exceeded, Rate, RateLimit},
    role::Role,
    role::Roles,
};
use crate::merchant_scope::MerchantScope;

/// The method of authentication while authentication is disabled.
const ANYONE: &str = "anyone";
/// Hashes names to ids. Its keys are random, so that no client can choose a name that collides with that of another.
static HASHER: LazyLock<RandomState> = LazyLock::new(RandomState::new);

/// An authenticated client.
#[derive(Debug)]
pub struct Principal {
    /// Method of authentication, as the audit log shows it: `key`, `token` or `certificate`; `anyone` if authentication is
    /// disabled.
    pub kind: &'static str,
    /// Name for logs; not secret.
    pub name: String,
    /// Name in metrics, the same for all tokens of an issuer.
    pub label: String,
    /// Weight of its share of an overloaded server, relative to other principals.
    pub share: NonZeroU32,
    /// The merchants that it is limited to; `None` for all.
    pub scope: Option<Arc<MerchantScope>>,
    id: u64,
    roles: Roles,
    rate_limit: Option<Arc<RateLimit>>,
}

impl Principal {
    pub(super) fn new(kind: &'static str, name: String, roles: Roles, rate: Option<Rate>) -> Self {
        Self::with_rate_limit(kind, name, roles, rate.map(|rate| Arc::new(RateLimit::new(rate))))
    }

    /// A principal that shares its rate limit with others, as all tokens of a subject do.
    pub(super) fn with_rate_limit(
        kind: &'static str,
        name: String,
        roles: Roles,
        rate_limit: Option<Arc<RateLimit>>,
    ) -> Self {
        let id = HASHER.hash_one((kind, &name));
        Self { kind, label: name.clone(), name, share: NonZeroU32::MIN, scope: None, id, roles, rate_limit }
    }

    /// The same principal with a name of its own in metrics.
    pub(super) fn labelled(self, label: &str) -> Self {
        Self { label: label.to_owned(), ..self }
    }

    /// The same principal as all others of that kind with the same label: the two valid keys of a client are one principal.
    pub(super) fn identified_by_label(self) -> Self {
        Self { id: HASHER.hash_one((self.kind, &self.label)), ..self }
    }

    pub(super) fn with_share(self, share: NonZeroU32) -> Self {
        Self { share, ..self }
    }

    pub(super) fn limited_to(self, scope: Option<MerchantScope>) -> Self {
        Self { scope: scope.map(Arc::new), ..self }
    }

    /// The principal of every call while authentication is disabled, with all roles.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new(ANYONE, String::new(), Roles::all(), None).labelled(ANYONE)
    }

    fn is_anonymous(&self) -> bool {
        self.kind == ANYONE
    }

    /// Identifies the principal among all. While authentication is disabled, each client subnet is a principal.
    #[must_use]
    pub fn id(&self, client_subnet: Option<IpAddr>) -> u64 {
        if self.is_anonymous() { HASHER.hash_one(client_subnet) } else { self.id }
    }

    /// The name for operators. While authentication is disabled, it is that of the client subnet.
    #[must_use]
    pub fn display_name(&self, client_subnet: Option<IpAddr>) -> Cow<'_, str> {
        match client_subnet {
            Some(subnet) if self.is_anonymous() => Cow::Owned(subnet.to_string()),
            _ if self.is_anonymous() => Cow::Borrowed(&self.label),
            _ => Cow::Borrowed(&self.name),
        }
    }

    /// Returns whether the principal has a role.
    #[must_use]
    pub const fn has(&self, role: Role) -> bool {
        self.roles.allow(role)
    }

    /// Charges work that is about to begin to the rate limit.
    ///
    /// # Errors
    /// When it exceeds the limit; nothing is charged then.
    pub fn charge(&self, cost: Cost) -> Result<(), Exceeded> {
        self.rate_limit.as_ref().map_or(Ok(()), |rate_limit| rate_limit.charge(cost))
    }

    /// Charges work that has been done to the rate limit, also beyond the limit.
    pub fn add_debt(&self, cost: Cost) {
        if let Some(rate_limit) = &self.rate_limit {
            rate_limit.add_debt(cost);
        }
    }
}
