//! API keys: their file, validity, reloading and rate limits.

use std::fs;

use secrecy::ExposeSecret;

use super::*;
use crate::auth::rate_limit::Cost;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn micros(second: i64) -> UnixMicros {
    UnixMicros(second * 1_000_000)
}

fn new(name: &str, expires: Option<i64>) -> NewKey {
    NewKey {
        name: name.to_owned(),
        roles: vec![Role::Search],
        expires: expires.map(at),
        rate: None,
        share: None,
        merchants: None,
    }
}

#[test]
fn a_key_authenticates_until_it_expires_or_is_revoked() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let error = Keys::load(path.clone(), None).unwrap_err().to_string();
    assert!(error.contains("nearby keys add"), "{error}");
    let one = add(&path, new("app", Some(2_000)), at(1_000)).unwrap();
    let keys = Keys::load(path.clone(), None).unwrap();
    let one = one.expose_secret();
    let principal = keys.authenticate(one, micros(1_999)).unwrap();
    assert!(principal.has(Role::Search) && !principal.has(Role::Manage));
    assert_eq!(keys.authenticate(one, micros(2_000)).unwrap_err(), AuthError::Expired);

    let (head, tail) = one.split_at(one.len() - 1);
    let other = if tail == "A" { "B" } else { "A" };
    for wrong in [&format!("{head}{other}"), head, "nearby_", "nearby_00000000_", "", "nearby"] {
        assert_eq!(keys.authenticate(wrong, micros(1_500)).unwrap_err(), AuthError::Unknown, "{wrong}");
    }

    let two = add(&path, new("app", None), at(1_000)).unwrap();
    assert_eq!(keys.authenticate(two.expose_secret(), micros(1_500)).unwrap_err(), AuthError::Unknown);
    keys.reload(Reload::Poll);
    keys.authenticate(two.expose_secret(), micros(1_500)).unwrap();
    let id = list(&path).unwrap()[1].id.clone();
    revoke(&path, &id, at(1_500)).unwrap();
    keys.reload(Reload::Poll);
    assert_eq!(keys.authenticate(two.expose_secret(), micros(1_500)).unwrap_err(), AuthError::Revoked);
    keys.authenticate(one, micros(1_500)).unwrap();
    assert!(matches!(revoke(&path, &id, at(1_500)), Err(KeysError::Unknown(_))));

    fs::write(&path, "key = 3").unwrap();
    keys.reload(Reload::Poll);
    keys.authenticate(one, micros(1_500)).unwrap();
}

#[test]
fn a_name_has_at_most_two_valid_keys() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    add(&path, new("app", Some(2_000)), at(1_000)).unwrap();
    add(&path, new("app", None), at(1_000)).unwrap();
    let error = add(&path, new("app", None), at(1_000)).unwrap_err().to_string();
    assert!(list(&path).unwrap().iter().all(|key| error.contains(&key.id)), "{error}");
    add(&path, new("other", None), at(1_000)).unwrap();
    // The first key has expired.
    add(&path, new("app", None), at(2_000)).unwrap();
    assert_eq!(list(&path).unwrap().len(), 4);
}

#[test]
fn the_file_and_debug_output_do_not_contain_the_secret() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let key = add(&path, new("app", None), at(1_000)).unwrap();
    let secret = key.expose_secret().rsplit_once('_').unwrap().1;
    let output = format!(
        "{key:?} {:?} {}",
        Keys::load(path.clone(), None).unwrap(),
        fs::read_to_string(&path).unwrap()
    );
    assert!(!output.contains(secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn the_state_of_a_rate_limit_survives_a_reload() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let burst = NonZeroU32::new(5).unwrap();
    let rate = Some(Rate { per_s: NonZeroU32::MIN, burst });
    let key = add(&path, NewKey { rate, ..new("app", None) }, at(1_000)).unwrap();
    let keys = Keys::load(path.clone(), None).unwrap();
    keys.authenticate(key.expose_secret(), micros(1_000)).unwrap().charge(Cost::units(5)).unwrap();
    add(&path, new("other", None), at(1_000)).unwrap();
    keys.reload(Reload::Poll);
    assert!(keys.authenticate(key.expose_secret(), micros(1_000)).unwrap().charge(Cost::units(5)).is_err());
}

#[test]
fn a_file_that_has_lost_its_keys_changes_nothing_and_revoking_all_of_them_does() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let key = add(&path, new("app", None), at(1_000)).unwrap();
    let keys = Keys::load(path.clone(), None).unwrap();
    let text = fs::read(&path).unwrap();
    for damaged in ["", "# no keys\n", "key", "\u{0}"] {
        fs::write(&path, damaged).unwrap();
        keys.reload(Reload::Poll);
        keys.authenticate(key.expose_secret(), micros(1_500)).unwrap();
        assert!(keys.is_failing(), "{damaged:?}");
    }
    fs::write(&path, &text).unwrap();
    keys.reload(Reload::Poll);
    assert!(!keys.is_failing());
    let id = split(key.expose_secret()).unwrap().0;
    revoke(&path, id, at(1_400)).unwrap();
    keys.reload(Reload::Poll);
    let rejected = keys.authenticate(key.expose_secret(), micros(1_500)).unwrap_err();
    assert_eq!((rejected, keys.is_failing()), (AuthError::Revoked, false));
}

#[test]
fn commands_write_no_file_that_servers_do_not_read() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    add(&path, new("app", None), at(1_000)).unwrap();
    let entry = list(&path).unwrap().remove(0);
    let text_of = |count: usize| {
        let key = (0..count).map(|id| Key { id: format!("{id:08}"), ..entry.clone() }).collect();
        toml::to_string(&KeyFile { key }).unwrap()
    };
    let max = usize::try_from(MAX_FILE_BYTES).unwrap();
    let entry_bytes = text_of(2).len() - text_of(1).len();
    let text = text_of(max / entry_bytes - 1);
    fs::write(&path, &text).unwrap();
    let name = "x".repeat(2 * entry_bytes);
    let error = add(&path, new(&name, None), at(1_000)).unwrap_err();
    assert!(matches!(error, KeysError::TooLarge(_)), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
}
