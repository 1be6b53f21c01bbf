//! Verified tokens and the rate limits of their subjects, up to a maximum number of each.

use std::{collections::HashMap, sync::Arc};

use nearby_index::UnixMicros;

use super::{principal::Principal, rate_limit::Rate, rate_limit::RateLimit, role::Roles};

/// Maximum number of tokens, and of subjects.
const MAX_ENTRIES: usize = 100_000;

/// SHA-256 of a token.
pub(super) type Digest = [u8; 32];

#[derive(Default)]
pub(super) struct TokenCache {
    /// The principal and the expiry of each token.
    tokens: HashMap<Digest, (Arc<Principal>, UnixMicros)>,
    /// The rate limit of each subject, which all its tokens share.
    rate_limits: HashMap<String, Arc<RateLimit>>,
}

impl TokenCache {
    /// The principal and the expiry of a token.
    pub(super) fn get(&self, digest: &Digest) -> Option<(Arc<Principal>, UnixMicros)> {
        self.tokens.get(digest).cloned()
    }

    pub(super) fn insert(
        &mut self,
        digest: Digest,
        principal: &Arc<Principal>,
        expires: UnixMicros,
        now: UnixMicros,
    ) {
        if self.tokens.len() >= MAX_ENTRIES {
            self.evict_expired(now);
        }
        if self.tokens.len() >= MAX_ENTRIES {
            // Evicted tokens are verified again, which costs only time.
            self.tokens.clear();
        }
        self.tokens.insert(digest, (Arc::clone(principal), expires));
    }

    fn evict_expired(&mut self, now: UnixMicros) {
        self.tokens.retain(|_, (_, expires)| *expires > now);
    }

    /// Evicts all tokens, as the keys that verified them were replaced.
    pub(super) fn clear_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Creates the principal of a token, with the rate limit that its subject already has.
    pub(super) fn principal(
        &mut self,
        (issuer, subject): (&str, String),
        roles: Roles,
        rate: Option<Rate>,
        now: UnixMicros,
    ) -> Arc<Principal> {
        let rate_limit = rate.map(|rate| self.rate_limit(&subject, rate, now));
        Arc::new(Principal::with_rate_limit("token", subject, roles, rate_limit).labelled(issuer))
    }

    fn rate_limit(&mut self, subject: &str, rate: Rate, now: UnixMicros) -> Arc<RateLimit> {
        if let Some(rate_limit) = self.rate_limits.get(subject) {
            return Arc::clone(rate_limit);
        }
        if self.rate_limits.len() >= MAX_ENTRIES {
            // Keep subjects that have unexpired tokens or a call in progress.
            self.evict_expired(now);
            self.rate_limits.retain(|_, rate_limit| Arc::strong_count(rate_limit) > 1);
        }
        if self.rate_limits.len() >= MAX_ENTRIES {
            // Tokens as well: a subject must not have an old limit through one token and a new one through another.
            self.tokens.clear();
            self.rate_limits.clear();
        }
        let rate_limit = Arc::new(RateLimit::new(rate));
        self.rate_limits.insert(subject.to_owned(), Arc::clone(&rate_limit));
        rate_limit
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::auth::rate_limit::Cost;

    #[test]
    fn tokens_of_a_subject_share_a_rate_limit_and_the_cache_is_bounded() {
        let rate = Some(Rate::new(NonZeroU32::MIN, NonZeroU32::new(10)));
        let mut cache = TokenCache::default();
        let roles = |text: &str| text.parse::<Roles>().unwrap();
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        let (begin, end) = (UnixMicros(0), UnixMicros(1_000));
        let first = cache.principal(("issuer", "shop".to_owned()), roles("search"), rate, begin);
        first.charge(Cost::units(10)).unwrap();
        cache.insert(digest(0), &first, end, begin);
        for number in 1..2 * MAX_ENTRIES {
            let principal =
                cache.principal(("issuer", number.to_string()), roles("search"), rate, UnixMicros(2));
            // Most of the tokens have expired by the time the cache is full.
            let expires = if number % 4 == 0 { end } else { UnixMicros(1) };
            cache.insert(digest(number), &principal, expires, UnixMicros(2));
            assert!(cache.tokens.len() <= MAX_ENTRIES && cache.rate_limits.len() <= MAX_ENTRIES);
        }
        let again = cache.principal(("issuer", "shop".to_owned()), roles("manage"), rate, UnixMicros(2));
        assert!(again.charge(Cost::units(5)).is_err(), "another token of the same subject");
        assert!(cache.get(&digest(0)).is_some());
        for number in 0..2 * MAX_ENTRIES {
            let subject = format!("other {number}");
            let principal = cache.principal(("issuer", subject), roles("search"), rate, UnixMicros(2));
            cache.insert(digest(usize::MAX - number), &principal, end, UnixMicros(2));
        }
        assert!(cache.tokens.len() <= MAX_ENTRIES && cache.rate_limits.len() <= MAX_ENTRIES);
    }
}
