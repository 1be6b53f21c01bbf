//! Namespaces of Linux, in which the harness may mount disks and cut networks without privileges.

use std::{env, process::Command, process::ExitCode};

/// Variable that is set in the process that runs in namespaces of its own.
const IS_INSIDE: &str = "CRASH_IN_NAMESPACES";
/// Exit code if something that a fault requires is refused (`EX_UNAVAILABLE` of sysexits.h).
pub(crate) const UNAVAILABLE: u8 = 69;

/// Kinds of namespaces, as flags of `unshare`.
pub(crate) const MOUNT: &str = "--mount";
pub(crate) const NETWORK: &str = "--net";

/// Returns `true` in a process that [`rerun`] has started.
pub(crate) fn is_inside() -> bool {
    env::var_os(IS_INSIDE).is_some()
}

/// Runs this program again in new namespaces, as their root, and returns its exit code. Returns `None` if namespaces are refused,
/// and inside of them.
pub(crate) fn rerun(kinds: &[&str]) -> Option<ExitCode> {
    let unshare = || {
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user"]).args(kinds);
        command
    };
    // The exit code of `unshare` cannot be distinguished from that of the program.
    let is_allowed = || unshare().arg("true").output().is_ok_and(|output| output.status.success());
    if is_inside() || !is_allowed() {
        return None;
    }
    let program = env::current_exe().ok()?;
    let status = unshare().arg(program).args(env::args_os().skip(1)).env(IS_INSIDE, "1").status().ok()?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Some(ExitCode::from(code.unwrap_or(UNAVAILABLE)))
}
