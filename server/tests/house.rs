//! Rules of the code base, checked on the source of the whole workspace: dependencies between crates, modules and files; the
//! place of foreign crates; sizes of files and functions; words and openings of comments; orphaned files; locked versions.
//!
//! `house/` holds one module per kind of rule.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests may panic")]

#[path = "house/crates.rs"]
mod crates;
#[path = "house/imports.rs"]
mod imports;
#[path = "house/modules.rs"]
mod modules;
#[path = "house/prose.rs"]
mod prose;
#[path = "house/sizes.rs"]
mod sizes;
#[path = "house/source.rs"]
mod source;
