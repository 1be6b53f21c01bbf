//! The broker's executable: a given one, or that of a virtual environment that a script makes.

use std::{
    env, io,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use crate::error::Result;

/// Variable with the path of the executable, as in the tests of the log.
const VARIABLE: &str = "NEARBY_NATS_SERVER";
/// The script, from the package of the harness. It prints the path of the executable.
const SCRIPT: &str = "../cluster/tests/install.sh";

/// Returns the path of the broker's executable, and installs it if none is given.
pub(crate) fn find(given: Option<&Path>) -> Result<PathBuf> {
    let given = given.map(Path::to_owned).or_else(|| env::var_os(VARIABLE).map(PathBuf::from));
    let binary = match given {
        Some(binary) => binary,
        None => install()?,
    };
    let version = Command::new(&binary).arg("--version").stdin(Stdio::null()).output();
    let version = version.map_err(|error| format!("cannot run {}: {error}", binary.display()))?;
    let version = String::from_utf8_lossy(&version.stdout).trim().to_owned();
    writeln!(io::stderr(), "brokers: {} ({version})", binary.display())?;
    Ok(binary)
}

fn install() -> Result<PathBuf> {
    let remedy = "run server/cluster/tests/install.sh, and set NEARBY_NATS_SERVER or --nats-server to the path that it prints";
    let Some(package) = env::var_os("CARGO_MANIFEST_DIR") else { return Err(remedy.into()) };
    let script = Path::new(&package).join(SCRIPT);
    let output = Command::new(&script).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.map_err(|error| format!("cannot run {}: {error}; {remedy}", script.display()))?;
    if !output.status.success() {
        return Err(format!("{}: {}; {remedy}", script.display(), output.status).into());
    }
    Ok(PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()))
}
