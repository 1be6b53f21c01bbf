//! JSON Web Tokens (RFC 7519), validated as RFC 8725 recommends.
//!
//! A token is accepted if one of the issuer's keys has signed it with an allowed algorithm, if its issuer and audience are those
//! configured, and if it has not expired. Its roles are in `scope` (RFC 9068), separated by spaces: `nearby.search`,
//! `nearby.manage`, `nearby.review`, `nearby.operate`. A verified token is cached until it expires: verifying a signature takes as long as about
//! ten searches.

use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use arc_swap::ArcSwap;
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, decode, decode_header,
    errors::ErrorKind,
    jwk::{Jwk, JwkSet},
};
use nearby_index::UnixMicros;
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::{
    AuthConfigError, AuthError, jwks,
    jwks::JwksSource,
    jwt_crypto,
    key_changes::KeyChanges,
    principal::Principal,
    rate_limit::Rate,
    role::Role,
    role::Roles,
    token_cache::{Digest, TokenCache},
};
use crate::fs::read_failures::{ReadFailures, Reload};

/// Maximum length of a token.
const MAX_BYTES: usize = 8 * 1024;
/// Tolerated difference between the issuer's clock and ours, in seconds.
const LEEWAY_S: u64 = 30;

/// Properties of accepted tokens.
#[derive(Clone, Debug)]
pub struct TokenSettings {
    /// Source of the keys that verify them.
    pub keys: JwksSource,
    /// Required issuer.
    pub issuer: String,
    /// Required audience.
    pub audience: String,
    /// Allowed signature algorithms.
    pub algorithms: Vec<Algorithm>,
}

/// Parses a list of algorithms separated by commas. Algorithms with a shared secret are not allowed: a server that can verify such
/// a token could also forge one.
///
/// # Errors
/// When an algorithm is unknown or uses a shared secret.
pub fn algorithms(list: &str) -> Result<Vec<Algorithm>, String> {
    let parse = |name: &str| match name.trim() {
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
            "unknown algorithm {other:?}; use RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA"
        )),
    };
    list.split(',').map(parse).collect()
}

/// Authenticates tokens with a key set that it reloads.
pub(super) struct Tokens {
    settings: TokenSettings,
    rate: Option<Rate>,
    keys: ArcSwap<LoadedKeys>,
    reloaded_at: Mutex<Instant>,
    failures: ReadFailures,
    cache: Mutex<TokenCache>,
}

/// The end of the validity of a token from its `exp` claim, with the leeway.
#[expect(clippy::cast_possible_truncation, reason = "the cast saturates")]
fn expiry(exp_s: f64) -> UnixMicros {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let leeway_s = LEEWAY_S as f64;
    UnixMicros(((exp_s + leeway_s) * 1e6) as i64)
}

struct LoadedKeys {
    /// Content of the key set, to detect a change.
    text: String,
    set: JwkSet,
}

#[derive(Deserialize)]
struct Claims {
    sub: String,
    /// Seconds, possibly with a fraction (RFC 7519, "NumericDate").
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
    /// Reads the key set. A URL may be unavailable: until it responds, no token is accepted.
    pub(super) fn load(settings: TokenSettings, rate: Option<Rate>) -> Result<Self, AuthConfigError> {
        jwt_crypto::install();
        let read = settings
            .keys
            .read()
            .and_then(|text| Ok(LoadedKeys { set: jwks::parse(&text, &settings.algorithms)?, text }));
        let failures = ReadFailures::default();
        failures.set_usable(read.is_ok());
        let keys = match (read, &settings.keys) {
            (Ok(keys), _) => keys,
            (Err(reason), JwksSource::Url(url)) => {
                tracing::error!(url, reason, "cannot fetch JWKS; retrying");
                LoadedKeys { text: String::new(), set: JwkSet { keys: Vec::new() } }
            }
            (Err(reason), JwksSource::File(_)) => {
                return Err(AuthConfigError::Jwks { jwks_source: settings.keys.to_string(), reason });
            }
        };
        Ok(Self {
            settings,
            rate,
            keys: ArcSwap::from_pointee(keys),
            reloaded_at: Mutex::new(Instant::now()),
            failures,
            cache: Mutex::default(),
        })
    }

    pub(super) fn authenticate(&self, token: &str, now: UnixMicros) -> Result<Arc<Principal>, AuthError> {
        if token.len() > MAX_BYTES {
            return Err(AuthError::Unknown);
        }
        let digest: Digest = Sha256::digest(token).into();
        if let Some((principal, expires)) = self.with_cache(|cache| cache.get(&digest)) {
            return if expires > now { Ok(principal) } else { Err(AuthError::Expired) };
        }
        let keys = self.keys.load_full();
        let claims = self.verify(token, &keys)?;
        let roles: Roles = claims.scope.split_whitespace().filter_map(role_of).collect();
        let expires = expiry(claims.exp);
        Ok(self.with_cache(|cache| {
            let principal = cache.principal((&self.settings.issuer, claims.sub), roles, self.rate, now);
            // Not if the keys have just been replaced: `reload` has cleared the cache of what the old keys verified.
            if Arc::ptr_eq(&keys, &self.keys.load()) {
                cache.insert(digest, &principal, expires, now);
            }
            principal
        }))
    }

    fn verify(&self, token: &str, keys: &LoadedKeys) -> Result<Claims, AuthError> {
        let header = decode_header(token).map_err(|_| AuthError::Unknown)?;
        // RFC 7515, section 4.1.11: a token with critical extensions that are not understood, and none is here, is not valid.
        if !self.settings.algorithms.contains(&header.alg) || header.crit.is_some() {
            return Err(AuthError::Unknown);
        }
        // A token may omit the key id if the set has one key only.
        let key = match (&header.kid, keys.set.keys.as_slice()) {
            (Some(kid), _) => keys.set.find(kid),
            (None, [only]) => Some(only),
            (None, _) => None,
        };
        let key = DecodingKey::from_jwk(key.ok_or(AuthError::Unknown)?).map_err(|_| AuthError::Unknown)?;
        // The token chooses its algorithm only among those that are allowed, and `decode` rejects a key of another algorithm
        // family (RFC 8725, section 3.1).
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
        // All tokens without a name would share one principal, and so one rate limit and one line of the audit log.
        Some(decoded.claims).filter(|claims| !claims.sub.trim().is_empty()).ok_or(AuthError::Unknown)
    }

    /// Returns whether an earlier key set is in use, or none, because the current one cannot be read or used.
    pub(super) fn is_failing(&self) -> bool {
        self.failures.is_failing()
    }

    /// Reads the key set if its poll interval has passed, or on demand, and loads it if it has changed. Blocks. On failure, logs the
    /// error and keeps the current keys. Returns the keys that have changed.
    pub(super) fn reload(&self, reload: Reload) -> Option<KeyChanges> {
        let interval = self.settings.keys.poll_interval();
        {
            let mut reloaded_at = self.reloaded_at.lock().unwrap_or_else(PoisonError::into_inner);
            let has_no_keys = self.keys.load().set.keys.is_empty();
            let interval = if has_no_keys { interval.min(RETRY_INTERVAL) } else { interval };
            if reload == Reload::Poll && reloaded_at.elapsed() < interval {
                return None;
            }
            *reloaded_at = Instant::now();
        }
        let source = &self.settings.keys;
        // A URL is fetched rarely, so that every failure is logged.
        let reports = if matches!(source, JwksSource::Url(_)) { Reload::Demand } else { reload };
        let report = |error: String| {
            tracing::error!(%source, error, "cannot read JWKS; keeping the current keys");
        };
        let text = self.failures.report_repeated(source.read(), reports, report)?;
        let current = self.keys.load();
        if text == current.text && reload == Reload::Poll {
            return None;
        }
        let parsed = jwks::parse(&text, &self.settings.algorithms);
        self.failures.set_usable(parsed.is_ok());
        match parsed {
            Ok(set) => {
                tracing::info!(keys = set.keys.len(), "JWKS reloaded");
                let changes = KeyChanges::between("jwks", &by_id(&current.set), &by_id(&set));
                self.keys.store(Arc::new(LoadedKeys { text, set }));
                // A token that a removed key has signed is no longer valid.
                self.with_cache(TokenCache::clear_tokens);
                changes
            }
            Err(reason) => {
                tracing::error!(%source, reason, "cannot use new JWKS; keeping the current keys");
                self.keys.store(Arc::new(LoadedKeys { text, set: current.set.clone() }));
                None
            }
        }
    }

    fn with_cache<T>(&self, act: impl FnOnce(&mut TokenCache) -> T) -> T {
        act(&mut self.cache.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Time between two fetches while there are no keys.
const RETRY_INTERVAL: Duration = Duration::from_secs(10);

/// The keys of a set by their ids.
fn by_id(set: &JwkSet) -> BTreeMap<String, Jwk> {
    let id = |key: &Jwk| key.common.key_id.clone().unwrap_or_else(|| "without an id".to_owned());
    set.keys.iter().map(|key| (id(key), key.clone())).collect()
}

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
    fn a_token_is_accepted_only_if_every_part_is_valid() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let one = Issuer::new("one");
        let tokens = tokens(&path, &one);
        let good = one.token(&header("one"), |_| {});
        for _ in 0..2 {
            let principal = tokens.authenticate(&good, now()).unwrap();
            assert!(principal.has(Role::Search) && !principal.has(Role::Manage) && principal.name == "app");
        }
        // A cached token expires as well.
        assert_eq!(
            tokens.authenticate(&good, UnixMicros(now().0 + 700_000_000)).unwrap_err(),
            AuthError::Expired
        );
        let rejected = |token: &str| tokens.authenticate(token, now()).unwrap_err();
        let with = |claim: &str, value: Value| one.token(&header("one"), |claims| claims[claim] = value);
        let without = |claim: &str| {
            one.token(&header("one"), |claims| drop(claims.as_object_mut().unwrap().remove(claim)))
        };
        assert_eq!(rejected(&with("exp", json!(now_s() - 60))), AuthError::Expired);
        for (claim, value) in [
            ("iss", json!("https://other.example")),
            ("aud", json!("other")),
            ("nbf", json!(now_s() + 600)),
            ("exp", json!("never")),
            ("sub", json!(7)),
            ("sub", json!("")),
            ("sub", json!(" ")),
        ] {
            assert_eq!(rejected(&with(claim, value)), AuthError::Unknown, "{claim}");
        }
        for claim in ["iss", "aud", "exp", "sub"] {
            assert_eq!(rejected(&without(claim)), AuthError::Unknown, "{claim}");
        }
        assert_eq!(rejected(&one.token(&header("two"), |_| {})), AuthError::Unknown, "another key");
        for critical in [json!(["exp"]), json!([])] {
            let mut header = header("one");
            header["crit"] = critical;
            assert_eq!(rejected(&one.token(&header, |_| {})), AuthError::Unknown, "critical extensions");
        }
        assert_eq!(
            rejected(&Issuer::new("one").token(&header("one"), |_| {})),
            AuthError::Unknown,
            "signed by another"
        );
        let (body, signature) = good.rsplit_once('.').unwrap();
        for wrong in [&format!("{body}."), body, "..", "", &"x".repeat(10_000)] {
            assert_eq!(rejected(wrong), AuthError::Unknown);
        }
        let changed = signature.chars().rev().collect::<String>();
        assert_eq!(rejected(&format!("{body}.{changed}")), AuthError::Unknown);
        tokens.authenticate(&with("exp", json!(1e10 + 0.5)), now()).unwrap();
        let principal = tokens.authenticate(&without("scope"), now()).unwrap();
        assert!(Role::ALL.iter().all(|role| !principal.has(*role)));
    }

    /// The key is public: if the server used it as a shared secret, anyone could sign with it.
    #[test]
    fn a_token_cannot_choose_an_algorithm_that_is_not_allowed() {
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
    fn a_reload_replaces_the_keys_and_invalidates_tokens_of_old_ones() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("jwks.json");
        let (one, two) = (Issuer::new("one"), Issuer::new("two"));
        let tokens = tokens(&path, &one);
        let [of_one, of_two] = [one.token(&header("one"), |_| {}), two.token(&header("two"), |_| {})];
        tokens.authenticate(&of_one, now()).unwrap();
        let reload = || {
            *tokens.reloaded_at.lock().unwrap() = Instant::now() - Duration::from_secs(2);
            tokens.reload(Reload::Poll);
        };
        let rsa =
            json!({ "kty": "RSA", "kid": "two", "e": "AQAB", "n": URL_SAFE_NO_PAD.encode([0xff; 128]) });
        let unknown = json!({ "kty": "new", "kid": "three" });
        let without_usable_keys = [
            "no keys".to_owned(),
            json!({ "keys": [] }).to_string(),
            json!({ "keys": [rsa, unknown] }).to_string(),
        ];
        for text in &without_usable_keys {
            std::fs::write(&path, text).unwrap();
            reload();
            tokens.authenticate(&of_one, now()).unwrap();
            assert!(tokens.is_failing(), "{text}");
            assert!(jwks::parse(text, &tokens.settings.algorithms).is_err());
        }
        // Keys of unknown types beside a usable one are ignored.
        let mut mixed: Value = serde_json::from_str(&one.jwks()).unwrap();
        mixed["keys"].as_array_mut().unwrap().push(unknown);
        std::fs::write(&path, mixed.to_string()).unwrap();
        reload();
        assert!(!tokens.is_failing());
        tokens.authenticate(&of_one, now()).unwrap();
        std::fs::write(&path, two.jwks()).unwrap();
        reload();
        tokens.authenticate(&of_two, now()).unwrap();
        assert_eq!(tokens.authenticate(&of_one, now()).unwrap_err(), AuthError::Unknown);
    }
}
