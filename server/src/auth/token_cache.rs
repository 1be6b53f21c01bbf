//! What was found out about tokens, for as long as there is room.

use std::{collections::HashMap, sync::Arc};

use nearby_index::UnixMicros;

use super::{Caller, Rate, Roles, rate_limit::Quota};

/// How many tokens, and how many subjects, are remembered.
const MOST: usize = 100_000;

/// A token, by its SHA-256.
pub(super) type Digest = [u8; 32];

#[derive(Default)]
pub(super) struct Remembered {
    /// Whose a token is, and when it ends.
    tokens: HashMap<Digest, (Arc<Caller>, UnixMicros)>,
    /// What is left to a subject, whatever token it shows and whatever that allows.
    quotas: HashMap<String, Arc<Quota>>,
}

impl Remembered {
    pub(super) fn token(&self, digest: &Digest) -> Option<(Arc<Caller>, UnixMicros)> {
        self.tokens.get(digest).cloned()
    }

    pub(super) fn keep(&mut self, digest: Digest, caller: &Arc<Caller>, ends: UnixMicros, now: UnixMicros) {
        if self.tokens.len() >= MOST {
            self.forget_ended(now);
        }
        if self.tokens.len() >= MOST {
            // They are looked at anew, which costs time and nothing else.
            self.tokens.clear();
        }
        self.tokens.insert(digest, (Arc::clone(caller), ends));
    }

    fn forget_ended(&mut self, now: UnixMicros) {
        self.tokens.retain(|_, (_, ends)| *ends > now);
    }

    /// Forgets tokens: their keys are gone.
    pub(super) fn forget_tokens(&mut self) {
        self.tokens.clear();
    }

    /// Somebody who shows a token; with what is left to it from before.
    pub(super) fn caller(
        &mut self,
        subject: String,
        roles: Roles,
        rate: Option<Rate>,
        now: UnixMicros,
    ) -> Arc<Caller> {
        let quota = rate.map(|rate| self.quota(&subject, rate, now));
        Arc::new(Caller::with_quota("token", subject, roles, quota))
    }

    fn quota(&mut self, subject: &str, rate: Rate, now: UnixMicros) -> Arc<Quota> {
        if let Some(quota) = self.quotas.get(subject) {
            return Arc::clone(quota);
        }
        if self.quotas.len() >= MOST {
            // Those whose tokens have ended, and who do not call just now.
            self.forget_ended(now);
            self.quotas.retain(|_, quota| Arc::strong_count(quota) > 1);
        }
        if self.quotas.len() >= MOST {
            // Both, as nobody may have an old quota and a new one.
            self.tokens.clear();
            self.quotas.clear();
        }
        let quota = Arc::new(Quota::new(rate));
        self.quotas.insert(subject.to_owned(), Arc::clone(&quota));
        quota
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;

    #[test]
    fn a_subject_has_one_quota_and_neither_they_nor_tokens_are_kept_without_end() {
        let rate = Some(Rate::new(NonZeroU32::MIN, NonZeroU32::new(10)));
        let mut remembered = Remembered::default();
        let roles = |text: &str| text.parse::<Roles>().unwrap();
        let digest = |number: usize| {
            let mut digest = [0; 32];
            digest[..8].copy_from_slice(&number.to_be_bytes());
            digest
        };
        let (begin, end) = (UnixMicros(0), UnixMicros(1_000));
        let first = remembered.caller("shop".to_owned(), roles("search"), rate, begin);
        first.charge(10).unwrap();
        remembered.keep(digest(0), &first, end, begin);
        for number in 1..2 * MOST {
            let caller = remembered.caller(number.to_string(), roles("search"), rate, UnixMicros(2));
            // Most of the tokens have ended by the time that there is no room.
            let ends = if number % 4 == 0 { end } else { UnixMicros(1) };
            remembered.keep(digest(number), &caller, ends, UnixMicros(2));
            assert!(remembered.tokens.len() <= MOST && remembered.quotas.len() <= MOST);
        }
        let again = remembered.caller("shop".to_owned(), roles("manage"), rate, UnixMicros(2));
        assert!(again.charge(5).is_err(), "another token of the same subject");
        assert!(remembered.token(&digest(0)).is_some());
        for number in 0..2 * MOST {
            let subject = format!("other {number}");
            let caller = remembered.caller(subject, roles("search"), rate, UnixMicros(2));
            remembered.keep(digest(usize::MAX - number), &caller, end, UnixMicros(2));
        }
        assert!(remembered.tokens.len() <= MOST && remembered.quotas.len() <= MOST);
    }
}
