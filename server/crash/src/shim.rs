//! Compiles `shim.c`, and returns the environment in which a server runs under it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::error::Result;

const SOURCE: &str = include_str!("../shim.c");

/// The compiled shim.
#[derive(Clone, Debug)]
pub(crate) struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiles the shim into a directory.
    pub(crate) fn compile(directory: &Path) -> Result<Self> {
        let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
        std::fs::write(&source, SOURCE)?;
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .output()
            .map_err(|error| format!("cannot run the C compiler cc: {error}"))?;
        if !output.status.success() {
            return Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Self { library })
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
