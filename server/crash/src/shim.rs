//! Compiles `shim.c` and `clock.c`, and returns the environment in which a server runs under them.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::Result;

const FILE_OPERATIONS: &str = include_str!("../shim.c");
const CLOCK: &str = include_str!("../clock.c");

/// The compiled shim.
#[derive(Clone, Debug)]
pub(crate) struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiles the shim into a directory.
    pub(crate) fn compile(directory: &Path) -> Result<Self> {
        Ok(Self { library: compile(directory, "shim", FILE_OPERATIONS)? })
    }

    /// Returns the environment of a process whose file operations below `root` are recorded in `trace`. `CRASH_IGNORE_…` variables
    /// are inherited from this process.
    pub(crate) fn environment(&self, root: &Path, trace: &Path) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("CRASH_ROOT".to_owned(), text(root)),
            ("CRASH_TRACE".to_owned(), text(trace)),
        ]
    }
}

/// The compiled shim of the clock.
#[derive(Clone, Debug)]
pub(crate) struct ClockShim {
    library: PathBuf,
}

impl ClockShim {
    /// Compiles the shim into a directory.
    pub(crate) fn compile(directory: &Path) -> Result<Self> {
        Ok(Self { library: compile(directory, "clock", CLOCK)? })
    }

    /// Returns the environment of a process whose clock differs by the offset in a file, which [`ClockShim::set`] writes first.
    pub(crate) fn environment(&self, offset: &Path) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        vec![("LD_PRELOAD".to_owned(), text(&self.library)), ("CRASH_CLOCK".to_owned(), text(offset))]
    }

    /// Sets the offset of the processes with this file.
    pub(crate) fn set(offset: &Path, offset_us: i64) -> Result<()> {
        // Written in place: the processes have mapped the file.
        let mut file = fs::OpenOptions::new().create(true).truncate(false).write(true).open(offset)?;
        Ok(file.write_all(&offset_us.to_ne_bytes())?)
    }
}

fn compile(directory: &Path, name: &str, text: &str) -> Result<PathBuf> {
    let (source, library) = (directory.join(format!("{name}.c")), directory.join(format!("{name}.so")));
    fs::write(&source, text)?;
    let output = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-o"])
        .args([&library, &source])
        .output()
        .map_err(|error| format!("cannot run the C compiler cc: {error}"))?;
    if !output.status.success() {
        return Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(library)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_clock_of_a_process_follows_the_offset() {
        let directory = tempfile::tempdir().unwrap();
        let (shim, offset) = (ClockShim::compile(directory.path()).unwrap(), directory.path().join("offset"));
        let year = |offset_us| {
            ClockShim::set(&offset, offset_us).unwrap();
            let output = Command::new("date").arg("+%Y").envs(shim.environment(&offset)).output().unwrap();
            String::from_utf8(output.stdout).unwrap().trim().parse::<i64>().unwrap()
        };
        const YEAR_US: i64 = 366 * 24 * 3_600 * 1_000_000;
        let now = year(0);
        assert!(now > 2_000);
        assert!([now + 10, now + 11].contains(&year(10 * YEAR_US)));
        assert!([now - 11, now - 10].contains(&year(-10 * YEAR_US)));
    }
}
