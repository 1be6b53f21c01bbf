//! The build of the `nearby` executable: its profile, its sources, and the one build of a missing executable.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::SystemTime,
};

/// Variables that cargo sets for the program of `cargo run`. A build that inherits them has other fingerprints than one started
/// from a shell: the build script of `ring` reruns when they change, and everything above it is compiled again. All other
/// `CARGO_…` variables are settings of the user.
const SET_BY_CARGO: [&str; 9] = [
    "CARGO",
    "CARGO_BIN_NAME",
    "CARGO_CRATE_NAME",
    "CARGO_MANIFEST_DIR",
    "CARGO_MANIFEST_LINKS",
    "CARGO_MANIFEST_PATH",
    "CARGO_PRIMARY_PACKAGE",
    "CARGO_TARGET_TMPDIR",
    "OUT_DIR",
];
const SET_BY_CARGO_PREFIXES: [&str; 3] = ["CARGO_PKG_", "CARGO_BIN_EXE_", "CARGO_CFG_"];

/// A profile of cargo.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Profile {
    Dev,
    Release,
}

impl Profile {
    /// Returns the profile that an executable was built with, from its directory below `target`.
    pub(crate) fn of(executable: &Path) -> Self {
        let directory = executable.parent().and_then(Path::file_name);
        if directory.is_some_and(|name| name == "release") { Self::Release } else { Self::Dev }
    }

    /// Returns the arguments of cargo. The whole workspace is selected, as in `.cargo/config.toml`, so that dependencies have the same
    /// features in all builds of a profile.
    fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Dev => &["build", "--workspace", "--bin", "nearby"],
            Self::Release => &["build", "--release", "--workspace", "--bin", "nearby"],
        }
    }

    /// Returns the command that builds `nearby`.
    pub(crate) fn command(self) -> String {
        format!("cargo {}", self.arguments().join(" "))
    }
}

/// Builds a missing `nearby`, with the output of cargo on stderr, if this process runs below cargo.
pub(crate) fn build(nearby: &Path, profile: Profile) -> io::Result<()> {
    let missing = || format!("{} does not exist; build it with `{}`", nearby.display(), profile.command());
    let target = nearby.parent().and_then(Path::parent);
    let (Some(cargo), Some(package), Some(target)) =
        (env::var_os("CARGO"), env::var_os("CARGO_MANIFEST_DIR"), target)
    else {
        return Err(not_found(missing()));
    };
    let notice = format!("{} does not exist; building it once: {}\n", nearby.display(), profile.command());
    io::stderr().write_all(notice.as_bytes())?;
    let mut command = Command::new(cargo);
    command.args(profile.arguments()).arg("--target-dir").arg(target).current_dir(package);
    remove_variables_of_cargo(&mut command, env::vars_os().map(|(name, _)| name));
    // Stdout may be a report of the caller.
    let status = command.stdin(Stdio::null()).stdout(io::stderr()).status()?;
    if status.success() && nearby.is_file() {
        return Ok(());
    }
    Err(not_found(format!("{} ({status})", missing())))
}

pub(crate) fn not_found(message: String) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, message)
}

fn remove_variables_of_cargo(command: &mut Command, names: impl Iterator<Item = std::ffi::OsString>) {
    for name in names {
        let text = name.to_string_lossy();
        if SET_BY_CARGO.contains(&&*text)
            || SET_BY_CARGO_PREFIXES.iter().any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
}

/// A file that an executable was built from.
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) modified: SystemTime,
}

/// Returns the newest source of an executable by the dependency file that cargo writes beside it; `None` without that file, as
/// beside an installed executable.
pub(crate) fn newest_source(executable: &Path) -> Option<Source> {
    let text = fs::read_to_string(executable.with_extension("d")).ok()?;
    let (_, sources) = text.lines().next()?.split_once(": ")?;
    paths(sources)
        .filter_map(|path| Some(Source { modified: fs::metadata(&path).ok()?.modified().ok()?, path }))
        .max_by_key(|source| source.modified)
}

/// Splits the paths of a dependency file, in which a backslash precedes a space within a path.
fn paths(sources: &str) -> impl Iterator<Item = PathBuf> {
    let mut paths = vec![String::new()];
    let mut characters = sources.chars();
    while let Some(character) = characters.next() {
        let next = match character {
            '\\' => characters.next(),
            ' ' => {
                paths.push(String::new());
                None
            }
            other => Some(other),
        };
        if let Some(path) = paths.last_mut() {
            path.extend(next);
        }
    }
    paths.into_iter().filter(|path| !path.is_empty()).map(PathBuf::from)
}

/// Returns the commit that was checked out at a moment, by the reflog of the repository around the package of `cargo run`;
/// `None` outside a repository, or if the reflog begins later.
pub(crate) fn commit_at(moment: SystemTime) -> Option<String> {
    let package = env::var_os("CARGO_MANIFEST_DIR")?;
    let seconds = moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs();
    let mut git = Command::new("git");
    git.args(["rev-parse", "--short", "--verify", &format!("HEAD@{{@{seconds}}}")]).current_dir(package);
    let output = git.stdin(Stdio::null()).output().ok()?;
    // Git answers with the oldest entry, and says so on stderr, if the reflog begins later.
    let is_known = output.status.success() && output.stderr.is_empty();
    is_known.then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test")]
    use std::ffi::OsString;

    use super::*;

    #[test]
    fn the_build_command_names_the_profile_of_the_caller() {
        for (executable, expected) in [
            ("target/debug/crash", "cargo build --workspace --bin nearby"),
            ("target/release/crash", "cargo build --release --workspace --bin nearby"),
            ("/usr/bin/crash", "cargo build --workspace --bin nearby"),
        ] {
            assert_eq!(Profile::of(Path::new(executable)).command(), expected);
        }
    }

    #[test]
    fn a_build_inherits_settings_of_cargo_and_not_what_cargo_run_sets() {
        let mut command = Command::new("cargo");
        let names = [
            "CARGO_MANIFEST_DIR",
            "CARGO_PKG_NAME",
            "CARGO_PKG_VERSION_MAJOR",
            "CARGO_HOME",
            "CARGO_TARGET_DIR",
            "CARGO_NET_OFFLINE",
            "PATH",
        ];
        remove_variables_of_cargo(&mut command, names.into_iter().map(OsString::from));
        let removed: Vec<_> = command.get_envs().map(|(name, _)| name.to_str().unwrap()).collect();
        assert_eq!(removed, ["CARGO_MANIFEST_DIR", "CARGO_PKG_NAME", "CARGO_PKG_VERSION_MAJOR"]);
    }

    #[test]
    fn paths_of_a_dependency_file_may_contain_spaces() {
        let found: Vec<_> = paths("/a/b.rs /with\\ space/c.rs").collect();
        assert_eq!(found, [PathBuf::from("/a/b.rs"), PathBuf::from("/with space/c.rs")]);
    }
}
