//! The `nearby` executable: where it is, and a command that runs it in a clean environment.

use std::{
    env, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::flags;

/// Free disk space that servers under test require, in MiB. The default of the server, a gibibyte or more, would make every
/// test fail on a disk that is nearly full.
const MIN_FREE_DISK_MIB: &str = "16";

/// Returns the path of the `nearby` executable: the given path, or `nearby` in the directory of this process' executable,
/// where cargo puts all binaries of a profile.
///
/// # Errors
/// There is no such file. The message says how to build it.
pub fn find_nearby(path: Option<&Path>) -> io::Result<PathBuf> {
    let this = env::current_exe()?;
    let nearby = path.map_or_else(|| this.with_file_name("nearby"), Path::to_owned);
    if nearby.is_file() {
        return Ok(nearby);
    }
    let message = match path {
        Some(_) => format!("{} is not a file", nearby.display()),
        None => format!(
            "{} does not exist; build it with `cargo build{} -p nearby-server`",
            nearby.display(),
            profile_flag(&this)
        ),
    };
    Err(io::Error::new(io::ErrorKind::NotFound, message))
}

/// Returns the flag of `cargo build` for the profile that an executable was built with, from its directory below `target`.
fn profile_flag(executable: &Path) -> &'static str {
    let directory = executable.parent().and_then(Path::file_name);
    if directory.is_some_and(|name| name == "release") { " --release" } else { "" }
}

/// Returns a command that runs `nearby` without input and without the `NEARBY_…` variables of this process, which would
/// change its settings.
#[must_use]
pub fn command(nearby: &Path) -> Command {
    let mut command = Command::new(nearby);
    clean_environment(&mut command);
    command
}

pub(crate) fn clean_environment(command: &mut Command) {
    for (name, _) in env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("NEARBY_")) {
        command.env_remove(name);
    }
    command.env(flags::MIN_FREE_DISK_MIB_VARIABLE, MIN_FREE_DISK_MIB).stdin(Stdio::null());
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use super::*;

    #[test]
    fn a_missing_binary_is_reported_with_the_command_that_builds_it() {
        let error = find_nearby(None).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert!(error.to_string().contains("`cargo build"), "{error}");
        assert!(error.to_string().ends_with("-p nearby-server`"), "{error}");
        let error = find_nearby(Some(Path::new("no-such-file"))).unwrap_err();
        assert_eq!(error.to_string(), "no-such-file is not a file");
    }

    #[test]
    fn the_build_command_names_the_profile_of_the_caller() {
        for (executable, expected) in
            [("target/debug/crash", ""), ("target/release/crash", " --release"), ("/usr/bin/crash", "")]
        {
            assert_eq!(profile_flag(Path::new(executable)), expected);
        }
    }
}
