//! Compiles `shim.c`, and says how a server is started under it.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use crate::Outcome;

const SOURCE: &str = include_str!("../shim.c");

/// The shim, compiled.
#[derive(Clone, Debug)]
pub(crate) struct Shim {
    library: PathBuf,
}

impl Shim {
    /// Compiles it into a directory.
    pub(crate) fn compile(directory: &Path) -> Outcome<Self> {
        let (source, library) = (directory.join("shim.c"), directory.join("shim.so"));
        std::fs::write(&source, SOURCE)?;
        let output = Command::new("cc")
            .args(["-shared", "-fPIC", "-O1", "-o"])
            .args([&library, &source])
            .output()
            .map_err(|error| format!("this needs a C compiler that is called cc: {error}"))?;
        if !output.status.success() {
            return Err(format!("cc: {}", String::from_utf8_lossy(&output.stderr)).into());
        }
        Ok(Self { library })
    }

    /// The environment of a process whose work below `root` is to be written to `trace`. What this process has in the way
    /// of `CRASH_IGNORE_…` goes on to it.
    pub(crate) fn environment(&self, root: &Path, trace: &Path) -> Vec<(String, String)> {
        let text = |path: &Path| path.to_string_lossy().into_owned();
        vec![
            ("LD_PRELOAD".to_owned(), text(&self.library)),
            ("CRASH_ROOT".to_owned(), text(root)),
            ("CRASH_TRACE".to_owned(), text(trace)),
        ]
    }
}
