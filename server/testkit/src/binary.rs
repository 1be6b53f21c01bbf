//! The `nearby` executable: where it is, and a command that runs it in a clean environment.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::{build, flags};

/// Free disk space that servers under test require, in MiB. The default of the server, a gibibyte or more, would make every
/// test fail on a disk that is nearly full.
const MIN_FREE_DISK_MIB: &str = "16";

/// A `nearby` executable.
#[derive(Clone, Debug)]
pub struct NearbyBinary {
    /// Path of the executable.
    pub path: PathBuf,
    /// Path, version and time of the build, and a warning if its sources have changed since.
    pub description: String,
}

impl NearbyBinary {
    /// Finds the given executable, or `nearby` in the directory of this process' executable, where cargo puts all binaries of a
    /// profile. An existing executable is used as it is. A missing one is built, with the output of cargo on stderr, if this
    /// process runs below `cargo run`.
    ///
    /// # Errors
    /// There is no such file and it cannot be built. The message says how to build it.
    pub fn find(path: Option<&Path>) -> io::Result<Self> {
        let this = env::current_exe()?;
        let nearby = path.map_or_else(|| this.with_file_name("nearby"), Path::to_owned);
        if !nearby.is_file() {
            if path.is_some() {
                return Err(build::not_found(format!("{} is not a file", nearby.display())));
            }
            build::build(&nearby, build::Profile::of(&this))?;
        }
        let description = describe(&nearby)?;
        Ok(Self { path: nearby, description })
    }
}

/// Returns the path, version and age of an executable, and the warning that it is older than its sources.
fn describe(nearby: &Path) -> io::Result<String> {
    let built = fs::metadata(nearby)?.modified()?;
    let output = command(nearby).arg("--version").output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("{} --version: {}", nearby.display(), output.status)));
    }
    let version = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    let mut description = format!(
        "{} ({version}, built {} ago",
        nearby.display(),
        age(built.elapsed().unwrap_or_default().as_secs())
    );
    if let Some(commit) = build::commit_at(built) {
        description.push_str(&format!(" at commit {commit}"));
    }
    description.push(')');
    if let Some(source) = build::newest_source(nearby).filter(|source| source.modified > built) {
        description.push_str(&format!(
            "\nwarning: {} is newer than the executable; rebuild it with `{}`",
            source.path.display(),
            build::Profile::of(nearby).command()
        ));
    }
    Ok(description)
}

/// Formats an age in its largest unit.
fn age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} days", seconds / 86_400),
    }
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
    use std::{os::unix::fs::PermissionsExt, time::Duration};

    use super::*;

    /// Writes a script in place of `nearby` and the dependency file of cargo beside it.
    fn executable(directory: &Path, source: &Path) -> PathBuf {
        let nearby = directory.join("nearby");
        fs::write(&nearby, "#!/bin/sh\necho nearby 9.9.9\n").unwrap();
        fs::set_permissions(&nearby, fs::Permissions::from_mode(0o755)).unwrap();
        let escaped = source.display().to_string().replace(' ', "\\ ");
        fs::write(directory.join("nearby.d"), format!("{}: {escaped}\n", nearby.display())).unwrap();
        nearby
    }

    #[test]
    fn a_given_path_that_is_no_file_is_an_error_and_is_never_built() {
        let error = NearbyBinary::find(Some(Path::new("no-such-file"))).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
        assert_eq!(error.to_string(), "no-such-file is not a file");
    }

    #[test]
    fn an_executable_is_used_as_it_is_and_sources_that_are_newer_are_warned_about() {
        let directory = tempfile::tempdir().unwrap();
        let source = directory.path().join("with space.rs");
        fs::write(&source, "").unwrap();
        let nearby = executable(directory.path(), &source);
        let built = fs::metadata(&nearby).unwrap().modified().unwrap();
        let touch = |time| fs::File::open(&source).unwrap().set_modified(time).unwrap();

        touch(built - Duration::from_secs(5));
        let found = NearbyBinary::find(Some(&nearby)).unwrap();
        assert_eq!(found.path, nearby);
        let expected = format!("{} (nearby 9.9.9, built 0 s ago", nearby.display());
        assert!(found.description.starts_with(&expected), "{}", found.description);
        assert!(!found.description.contains("warning"), "{}", found.description);

        touch(built + Duration::from_secs(5));
        let found = NearbyBinary::find(Some(&nearby)).unwrap();
        let expected = format!("warning: {} is newer than the executable", source.display());
        assert!(found.description.contains(&expected), "{}", found.description);
        assert_eq!(fs::metadata(&nearby).unwrap().modified().unwrap(), built, "it was built again");
    }

    #[test]
    fn ages_are_in_their_largest_unit() {
        for (seconds, expected) in [(90, "90 s"), (7_000, "116 min"), (80_000, "22 h"), (700_000, "8 days")] {
            assert_eq!(age(seconds), expected);
        }
    }
}
