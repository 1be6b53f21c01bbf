//! Description of the generator's machine, from `/proc`.

use std::fs;

use serde::{Deserialize, Serialize};

/// A machine.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Machine {
    /// Model name of the processor.
    pub processor: String,
    /// Number of logical processors.
    pub cores: usize,
    /// Memory in bytes.
    pub memory_bytes: u64,
    /// Kernel release.
    pub kernel: String,
}

impl Machine {
    /// Describes this machine.
    #[must_use]
    pub fn this() -> Self {
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let cpu = read("/proc/cpuinfo");
        let field = |text: &str, name: &str| -> Option<String> {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let memory = field(&read("/proc/meminfo"), "MemTotal")
            .and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        Self {
            processor: field(&cpu, "model name").unwrap_or_else(|| "unknown".to_owned()),
            // All processors, not only those this process may use: half of them may have been given to the server.
            cores: cpu.lines().filter(|line| line.starts_with("processor")).count().max(1),
            memory_bytes: memory.unwrap_or_default() * 1_024,
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
        }
    }
}

impl std::fmt::Display for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let gib = self.memory_bytes >> 30;
        write!(f, "{} cores of {}, {gib} GiB, Linux {}", self.cores, self.processor, self.kernel)
    }
}
