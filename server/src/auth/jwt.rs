//! JSON Web Tokens (RFC 7519, and RFC 8725 on what to beware of).
//!
//! A token is taken where it is signed by one of our keys with an algorithm that is allowed, by the issuer and for the audience
//! that are set, and has not ended. What it allows stands in its `scope` (RFC 9068): `nearby.search`, `nearby.manage`,
//! `nearby.operate`, with spaces between. A token that was checked is remembered until it ends: to check a signature takes as
//! long as some ten searches.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header, errors::ErrorKind, jwk::JwkSet,
};
use nearby_index::UnixMicros;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    AuthConfigError, AuthError, jwks,
    jwks::JwksSource,
    jwt_crypto,
    principal::Principal,
    rate_limit::Rate,
    role::Role,
    role::Roles,
    token_cache::{Digest, TokenCache},
};
use crate::fs::read_failures::ReadFailures;

/// Longer than this is no token.
const MAX_BYTES: usize = 8 * 1024;
/// How far the issuer's clock has be from ours, in seconds.
const LEEWAY_S: u64 = 30;

/// Which tokens are taken.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Where their keys come from.
    pub keys: JwksSource,
    /// Who must have issued them.
    pub issuer: String,
    /// Whom they must be for.
    pub audience: String,
    /// How they has be signed.
    pub algorithms: Vec<Algorithm>,
}

/// The algorithms of a list with commas. None of them shares a secret: whoever can check a token could make one.
///
/// # Errors
/// Where one is not known, or shares a secret.
pub fn algorithms(list: &str) -> Result<Vec<Algorithm>, String> {
    let one = |word: &str| match word.trim() {
        "RS256" => Ok(Algorithm::RS256),
        "RS384" => Ok(Algorithm::RS384),
        "RS512" => Ok(Algorithm::RS512),
        "PS256" => Ok(Algorithm::PS256),
        "PS384" => Ok(Algorithm::PS384),
        "PS512" => Ok(Algorithm::PS512),
        "ES256" => Ok(Algorithm::ES256),
        "ES384" => Ok(Algorithm::ES384),
        "EdDSA" => Ok(Algorithm::EdDSA),
        other => Err(format!(
            "{other:?} is none of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and EdDSA"
        )),
    };
    list.split(',').map(one).collect()
}

/// The tokens that are taken.
pub(super) struct Tokens {
    settings: TokenSettings,
    rate: Option<Rate>,
    keys: ArcSwap<Keys>,
    reloaded: Mutex<Instant>,
    failures: ReadFailures,
    remembered: Mutex<TokenCache>,
}

/// When a token ends that says so in seconds, in microseconds.
#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast of what is larger than an integer is the largest"
)]
fn ends_us(exp_s: f64) -> UnixMicros {
    #[expect(clippy::cast_precision_loss, reason = "a minute")]
    let leeway_s = LEEWAY_S as f64;
    UnixMicros(((exp_s + leeway_s) * 1e6) as i64)
}

struct Keys {
    text: String,
    set: JwkSet,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// With a fraction, as issuers has have it (RFC 7519, "NumericDate").
    exp: f64,
    #[serde(default)]
    scope: String,
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.settings.fmt(f)
    }
}

impl Tokens {
    /// Reads the keys. Those at a URL need not be there yet: until they are, nobody is known by a token.
    pub(super) fn load(settings: TokenSettings, rate: Option<Rate>) -> Result<Self, AuthConfigError> {
        jwt_crypto::install();
        let read = settings.keys.read().and_then(|text| Ok(Keys { set: jwks::parse(&text)?, text }));
        let keys = match (read, &settings.keys) {
            (Ok(keys), _) => keys,
            (Err(reason), JwksSource::Url(url)) => {
                tracing::error!(url, reason, "the keys of tokens cannot be had; trying again");
                Keys { text: String::new(), set: JwkSet { keys: Vec::new() } }
            }
            (Err(reason), JwksSource::File(_)) => {
                return Err(AuthConfigError::Jwks { source_of_keys: settings.keys.to_string(), reason });
            }
        };
        let remembered = Mutex::default();
        Ok(Self {
            settings,
            rate,
            keys: ArcSwap::from_pointee(keys),
            reloaded: Mutex::new(Instant::now()),
            failures: ReadFailures::default(),
            remembered,
        })
    }

    pub(super) fn authenticate(&self, token: &str, now: UnixMicros) -> Result<Arc<Principal>, AuthError> {
        if token.len() > MAX_BYTES {
            return Err(AuthError::Unknown);
        }
        let digest: Digest = Sha256::digest(token).into();
        if let Some((principal, ends)) = self.remembered(|remembered| remembered.token(&digest)) {
            return if ends > now { Ok(principal) } else { Err(AuthError::Expired) };
        }
        let keys = self.keys.load_full();
        let claims = self.check(token, &keys)?;
        let roles: Roles = claims.scope.split_whitespace().filter_map(role_of).collect();
        let ends = ends_us(claims.exp);
        Ok(self.remembered(|remembered| {
            let principal = remembered.principal(claims.sub, roles, self.rate, now);
            // Not with keys that have just been replaced: what was remembered by them is forgotten already.
            if Arc::ptr_eq(&keys, &self.keys.load()) {
                remembered.keep(digest, &principal, ends, now);
            }
            principal
        }))
    }

    fn check(&self, token: &str, keys: &Keys) -> Result<Claims, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Unknown)?;
        if !self.settings.algorithms.contains(&header.alg) {
            return Err(AuthError::Unknown);
        }
        // Whoever names no key means the only one.
        let key = match (&header.kid, keys.set.keys.as_slice()) {
            (Some(kid), _) => keys.set.find(kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let key = DecodingKey::from_jwk(key.ok_or(AuthError::Unknown)?).map_err(|_| AuthError::Unknown)?;
        // The one that it says, which is allowed: what a key is for must not be what a token says alone (RFC 8725, 3.1), and
        // the key is of one family.
        let mut validation = Validation::new(header.alg);
        validation.set_issuer(&[&self.settings.issuer]);
        validation.set_audience(&[&self.settings.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_nbf = true;
        validation.leeway = LEEWAY_S;
        let decoded = decode::<Claims>(token, &key, &validation).map_err(|error| match error.kind() {
            ErrorKind::ExpiredSignature => AuthError::Expired,
            _ => AuthError::Unknown,
        })?;
        Ok(decoded.claims)
    }

    /// Takes new keys, if it is time to reload; waits for them. What cannot be used is said, and the keys stay as they were.
    pub(super) fn reload(&self) {
        let every = self.settings.keys.every();
        {
            let mut reloaded = self.reloaded.lock().unwrap_or_else(PoisonError::into_inner);
            let has_none = self.keys.load().set.keys.is_empty();
            if reloaded.elapsed() < if has_none { every.min(RETRY) } else { every } {
                return;
            }
            *reloaded = Instant::now();
        }
        let text = match (self.settings.keys.read(), &self.settings.keys) {
            (Err(reason), JwksSource::Url(url)) => {
                return tracing::error!(
                    url,
                    reason,
                    "the keys of tokens cannot be had; those from before stay"
                );
            }
            (read, _) => {
                let report = |error: String| {
                    tracing::error!(
                        error,
                        "the keys of tokens cannot be read any more; those from before stay"
                    );
                };
                let Some(text) = self.failures.report_repeated(read, report) else { return };
                text
            }
        };
        let before = self.keys.load();
        if text == before.text {
            return;
        }
        match jwks::parse(&text) {
            Ok(set) => {
                tracing::info!(keys = set.keys.len(), "the keys of tokens are read anew");
                self.keys.store(Arc::new(Keys { text, set }));
                // A token of a key that is gone must not be known any longer.
                self.remembered(TokenCache::forget_tokens);
            }
            Err(reason) => {
                tracing::error!(reason, "new keys of tokens cannot be used; those from before stay");
                self.keys.store(Arc::new(Keys { text, set: before.set.clone() }));
            }
        }
    }

    fn remembered<T>(&self, act: impl FnOnce(&mut TokenCache) -> T) -> T {
        act(&mut self.remembered.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// After how long keys are asked for again that could not be had.
const RETRY: Duration = Duration::from_secs(10);

fn role_of(scope: &str) -> Option<Role> {
    scope.strip_prefix("nearby.")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    use ring::hmac;
    use serde_json::{Value, json};

    use super::*;
    use crate::auth::jwt_crypto::testing::Issuer;

    impl Issuer {
        fn token(&self, header: &Value, change: impl FnOnce(&mut Value)) -> String {
            let mut claims = json!({
                "iss": "https://id.example", "aud": "nearby", "sub": "app", "exp": now_s() + 600, "scope": "openid nearby.search",
            });
            change(&mut claims);
            self.sign(header, &claims)
        }
    }

    fn now_s() -> i64 {
        jiff::Timestamp::now().as_second()
    }

    fn now() -> UnixMicros {
        UnixMicros(now_s() * 1_000_000)
    }

    fn header(kid: &str) -> Value {
        json!({ "typ": "JWT", "alg": "ES256", "kid": kid })
    }

    fn tokens(path: &std::path::Path, issuer: &Issuer) -> Tokens {
        std::fs::write(path, issuer.jwks()).unwrap();
        let settings = TokenSettings {
            keys: JwksSource::File(path.to_owned()),
            issuer: "https://id.example".to_owned(),
            audience: "nearby".to_owned(),
            algorithms: algorithms("EdDSA,ES256").unwrap(),
        };
        Tokens::load(settings, None).unwrap()
    }

    #[test]
    fn a_token_is_taken_only_where_all_of_it_is_right() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let one = Issuer::new("one");
        let tokens = tokens(&path, &one);
        let good = one.token(&header("one"), |_| {});
        for _ in 0..2 {
            let principal = tokens.authenticate(&good, now()).unwrap();
            assert!(principal.has(Role::Search) && !principal.has(Role::Manage) && principal.name == "app");
        }
        // TokenCache, and yet not beyond its end.
        assert_eq!(
            tokens.authenticate(&good, UnixMicros(now().0 + 700_000_000)).unwrap_err(),
            AuthError::Expired
        );
        let refused = |token: &str| tokens.authenticate(token, now()).unwrap_err();
        let with = |claim: &str, value: Value| one.token(&header("one"), |claims| claims[claim] = value);
        let without = |claim: &str| {
            one.token(&header("one"), |claims| drop(claims.as_object_mut().unwrap().remove(claim)))
        };
        assert_eq!(refused(&with("exp", json!(now_s() - 60))), AuthError::Expired);
        for (claim, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("nbf", json!(now_s() + 600)),
            ("exp", json!("never")),
            ("sub", json!(7)),
        ] {
            assert_eq!(refused(&with(claim, value)), AuthError::Unknown, "{claim}");
        }
        for claim in ["iss", "aud", "exp", "sub"] {
            assert_eq!(refused(&without(claim)), AuthError::Unknown, "{claim}");
        }
        assert_eq!(refused(&one.token(&header("two"), |_| {})), AuthError::Unknown, "another key");
        assert_eq!(
            refused(&Issuer::new("one").token(&header("one"), |_| {})),
            AuthError::Unknown,
            "signed by another"
        );
        let (body, signature) = good.rsplit_once('.').unwrap();
        for wrong in [&format!("{body}."), body, "..", "", &"x".repeat(10_000)] {
            assert_eq!(refused(wrong), AuthError::Unknown);
        }
        let changed = signature.chars().rev().collect::<String>();
        assert_eq!(refused(&format!("{body}.{changed}")), AuthError::Unknown);
        tokens.authenticate(&with("exp", json!(1e10 + 0.5)), now()).unwrap();
        let principal = tokens.authenticate(&without("scope"), now()).unwrap();
        assert!(Role::ALL.iter().all(|role| !principal.has(*role)));
    }

    /// The key is public: whoever could have it taken for a shared secret could sign with it.
    #[test]
    fn what_a_token_says_of_its_algorithm_is_not_believed() {
        let directory = tempfile::tempdir().unwrap();
        let one = Issuer::new("one");
        let tokens = tokens(&directory.path().join("jwks.json"), &one);
        let claims =
            json!({ "iss": "https://id.example", "aud": "nearby", "sub": "app", "exp": now_s() + 600 });
        let header = json!({ "alg": "HS256", "kid": "one" });
        let [header, claims] = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
        let message = format!("{header}.{claims}");
        let secret = hmac::Key::new(hmac::HMAC_SHA256, one.jwks().as_bytes());
        let signature = URL_SAFE_NO_PAD.encode(hmac::sign(&secret, message.as_bytes()));
        let shared = format!("{message}.{signature}");
        assert_eq!(tokens.authenticate(&shared, now()).unwrap_err(), AuthError::Unknown);
        let none = "eyJhbGciOiJub25lIiwia2lkIjoib25lIn0.e30.";
        assert_eq!(tokens.authenticate(none, now()).unwrap_err(), AuthError::Unknown);
        assert!(algorithms("HS256").is_err() && algorithms("none").is_err() && algorithms("").is_err());
    }

    #[test]
    fn new_keys_are_taken_and_old_ones_forgotten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let (one, two) = (Issuer::new("one"), Issuer::new("two"));
        let tokens = tokens(&path, &one);
        let [of_one, of_two] = [one.token(&header("one"), |_| {}), two.token(&header("two"), |_| {})];
        tokens.authenticate(&of_one, now()).unwrap();
        let reload = || {
            *tokens.reloaded.lock().unwrap() = Instant::now() - Duration::from_secs(2);
            tokens.reload();
        };
        std::fs::write(&path, "no keys").unwrap();
        reload();
        tokens.authenticate(&of_one, now()).unwrap();
        std::fs::write(&path, two.jwks()).unwrap();
        reload();
        tokens.authenticate(&of_two, now()).unwrap();
        assert_eq!(tokens.authenticate(&of_one, now()).unwrap_err(), AuthError::Unknown);
    }
}
