//! What was found out about tokens, for as long as there is room.

use std::{collections::HashMap, sync::Arc};

use nearby_index::UnixMicros;

use super::{principal::Principal, rate_limit::Rate, rate_limit::RateLimit, role::Roles};

/// How many tokens, and how many subjects, are remembered.
const MAX: usize = 100_000;

/// A token, by its SHA-256.
pub(super) type Digest = [u8; 32];

#[derive(Default)]
pub(super) struct TokenCache {
    /// Whose a token is, and when it ends.
    tokens: HashMap<Digest, (Arc<Principal>, UnixMicros)>,
    /// What is left to a subject, whatever token it shows and whatever that allows.
    rate_limits: HashMap<String, Arc<RateLimit>>,
}

impl TokenCache {
    pub(super) fn token(&self, digest: &Digest) -> Option<(Arc<Principal>, UnixMicros)> {
        self.tokens.get(digest).cloned()
    }

    pub(super) fn keep(
        &mut self,
        digest: Digest,
        principal: &Arc<Principal>,
        ends: UnixMicros,
        now: UnixMicros,
    ) {
        if self.tokens.len() >= MAX {
            self.forget_ended(now);
        }
        if self.tokens.len() >= MAX {
            // They are looked at anew, which costs time and nothing else.
            self.tokens.clear();
        }
        self.tokens.insert(digest, (Arc::clone(principal), ends));
    }

    fn forget_ended(&mut self, now: UnixMicros) {
        self.tokens.retain(|_, (_, ends)| *ends > now);
    }

    /// Forgets tokens: their keys are gone.
    pub(super) fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Somebody who shows a token; with what is left to it from before.
    pub(super) fn principal(
        &mut self,
        subject: String,
        roles: Roles,
        rate: Option<Rate>,
        now: UnixMicros,
    ) -> Arc<Principal> {
        let rate_limit = rate.map(|rate| self.rate_limit(&subject, rate, now));
        Arc::new(Principal::with_rate_limit("token", subject, roles, rate_limit))
    }

    fn rate_limit(&mut self, subject: &str, rate: Rate, now: UnixMicros) -> Arc<RateLimit> {
        if let Some(rate_limit) = self.rate_limits.get(subject) {
            return Arc::clone(rate_limit);
        }
        if self.rate_limits.len() >= MAX {
            // Those whose tokens have ended, and who do not call just now.
            self.forget_ended(now);
            self.rate_limits.retain(|_, rate_limit| Arc::strong_count(rate_limit) > 1);
        }
        if self.rate_limits.len() >= MAX {
            // Both, as nobody may have an old rate_limit and a new one.
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

    #[test]
    fn a_subject_has_one_quota_and_neither_they_nor_tokens_are_kept_without_end() {
        let rate = Some(Rate::new(NonZeroU32::MIN, NonZeroU32::new(10)));
        let mut remembered = TokenCache::default();
        let roles = |text: &str| text.parse::<Roles>().unwrap();
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        let (begin, end) = (UnixMicros(0), UnixMicros(1_000));
        let first = remembered.principal("shop".to_owned(), roles("search"), rate, begin);
        first.charge(10).unwrap();
        remembered.keep(digest(0), &first, end, begin);
        for number in 1..2 * MAX {
            let principal = remembered.principal(number.to_string(), roles("search"), rate, UnixMicros(2));
            // Most of the tokens have ended by the time that there is no room.
            let ends = if number % 4 == 0 { end } else { UnixMicros(1) };
            remembered.keep(digest(number), &principal, ends, UnixMicros(2));
            assert!(remembered.tokens.len() <= MAX && remembered.rate_limits.len() <= MAX);
        }
        let again = remembered.principal("shop".to_owned(), roles("manage"), rate, UnixMicros(2));
        assert!(again.charge(5).is_err(), "another token of the same subject");
        assert!(remembered.token(&digest(0)).is_some());
        for number in 0..2 * MAX {
            let subject = format!("other {number}");
            let principal = remembered.principal(subject, roles("search"), rate, UnixMicros(2));
            remembered.keep(digest(usize::MAX - number), &principal, end, UnixMicros(2));
        }
        assert!(remembered.tokens.len() <= MAX && remembered.rate_limits.len() <= MAX);
    }
}
