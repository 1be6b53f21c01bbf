//! Terminal output.

use std::io::Write;

use crate::error::Error;

pub(super) fn line(text: &str) {
    self::text(&format!("{text}\n"));
}

pub(super) fn text(text: &str) {
    // A closed stdout is no reason to fail.
    drop(std::io::stdout().write_all(text.as_bytes()));
}

pub(super) fn error(error: &Error) {
    drop(std::io::stderr().write_all(format!("nearby-loadtest: {error}\n").as_bytes()));
}
