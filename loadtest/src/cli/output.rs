//! What people see.

use std::io::Write;

use super::Failure;

pub(super) fn line(text: &str) {
    self::text(&format!("{text}\n"));
}

pub(super) fn text(text: &str) {
    // Nobody left to tell is no reason to fail.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

pub(super) fn error(failure: &Failure) {
    drop(std::io::stderr().write_all(format!("nearby-loadtest: {failure}\n").as_bytes()));
}
