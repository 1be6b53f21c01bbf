//! Keys, through the file that they lie in.

use secrecy::ExposeSecret;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn micros(second: i64) -> UnixMicros {
    UnixMicros(second * 1_000_000)
}

fn new(name: &str, expires: Option<i64>) -> NewKey {
    NewKey { name: name.to_owned(), roles: vec![Role::Search], expires: expires.map(at), rate: None }
}

#[test]
fn a_key_is_known_until_it_ends_or_is_taken_back() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let error = Keys::load(path.clone(), None).unwrap_err().to_string();
    assert!(error.contains("nearby keys add"), "{error}");
    let one = add(&path, new("app", Some(2_000)), at(1_000)).unwrap();
    let keys = Keys::load(path.clone(), None).unwrap();
    let one = one.expose_secret();
    let caller = keys.authenticate(one, micros(1_999)).unwrap();
    assert!(caller.has(Role::Search) && !caller.has(Role::Manage));
    assert_eq!(keys.authenticate(one, micros(2_000)).unwrap_err(), AuthError::Expired);

    let (head, tail) = one.split_at(one.len() - 1);
    let other = if tail == "A" { "B" } else { "A" };
    for wrong in [&format!("{head}{other}"), head, "nearby_", "nearby_00000000_", "", "nearby"] {
        assert_eq!(keys.authenticate(wrong, micros(1_500)).unwrap_err(), AuthError::Unknown, "{wrong}");
    }

    let two = add(&path, new("app", None), at(1_000)).unwrap();
    assert_eq!(keys.authenticate(two.expose_secret(), micros(1_500)).unwrap_err(), AuthError::Unknown);
    keys.reload();
    keys.authenticate(two.expose_secret(), micros(1_500)).unwrap();
    let id = list(&path).unwrap()[1].id.clone();
    revoke(&path, &id, at(1_500)).unwrap();
    keys.reload();
    assert_eq!(keys.authenticate(two.expose_secret(), micros(1_500)).unwrap_err(), AuthError::Revoked);
    keys.authenticate(one, micros(1_500)).unwrap();
    assert!(matches!(revoke(&path, &id, at(1_500)), Err(KeysError::Unknown(_))));

    fs::write(&path, "key = 3").unwrap();
    keys.reload();
    keys.authenticate(one, micros(1_500)).unwrap();
}

#[test]
fn two_of_a_name_are_live_and_no_more() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    add(&path, new("app", Some(2_000)), at(1_000)).unwrap();
    add(&path, new("app", None), at(1_000)).unwrap();
    let error = add(&path, new("app", None), at(1_000)).unwrap_err().to_string();
    assert!(list(&path).unwrap().iter().all(|key| error.contains(&key.id)), "{error}");
    add(&path, new("other", None), at(1_000)).unwrap();
    // The first has ended.
    add(&path, new("app", None), at(2_000)).unwrap();
    assert_eq!(list(&path).unwrap().len(), 4);
}

#[test]
fn neither_the_file_nor_a_log_tells_a_key() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let key = add(&path, new("app", None), at(1_000)).unwrap();
    let secret = key.expose_secret().rsplit_once('_').unwrap().1;
    let shown = format!(
        "{key:?} {:?} {}",
        Keys::load(path.clone(), None).unwrap(),
        fs::read_to_string(&path).unwrap()
    );
    assert!(!shown.contains(secret));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}

#[test]
fn what_is_left_of_a_quota_outlives_a_change_of_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("keys.toml");
    let few = NonZeroU32::new(5).unwrap();
    let rate = Some(Rate { per_s: NonZeroU32::MIN, burst: few });
    let key = add(&path, NewKey { rate, ..new("app", None) }, at(1_000)).unwrap();
    let keys = Keys::load(path.clone(), None).unwrap();
    keys.authenticate(key.expose_secret(), micros(1_000)).unwrap().charge(5).unwrap();
    add(&path, new("other", None), at(1_000)).unwrap();
    keys.reload();
    assert!(keys.authenticate(key.expose_secret(), micros(1_000)).unwrap().charge(5).is_err());
}
