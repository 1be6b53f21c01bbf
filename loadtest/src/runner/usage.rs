//! CPU time and memory of a process, from `/proc`.

use std::{fs, io, time::Duration};

use serde::{Deserialize, Serialize};

/// Clock ticks per second in `/proc/PID/stat` (`sysconf(_SC_CLK_TCK)`): 100 on every Linux that this tool supports.
const TICKS_PER_S: f64 = 100.0;

/// Resources that a process has used since it started.
#[derive(Clone, Copy, Debug, Default)]
pub struct ProcessUsage {
    cpu_s: f64,
    context_switches: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
}

/// Resources that a process used during an interval.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct UsageDelta {
    /// CPU time in seconds, user and system.
    pub cpu_s: f64,
    /// Context switches of its threads.
    pub context_switches: u64,
    /// Resident memory at the end, in bytes.
    pub resident_bytes: u64,
}

impl UsageDelta {
    /// Scales the CPU time of an interval to one second.
    pub(super) fn per_second(self, time: Duration) -> Self {
        Self { cpu_s: self.cpu_s / time.as_secs_f64().max(1e-3), ..self }
    }
}

impl ProcessUsage {
    /// Reads the usage of a process.
    ///
    /// # Errors
    /// There is no such process, or its files are not readable.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::read(&format!("/proc/{pid}"))
    }

    /// Reads the usage of this process.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn of_self() -> io::Result<Self> {
        Self::read("/proc/self")
    }

    /// Returns the usage since an earlier reading.
    #[must_use]
    pub fn since(&self, before: &Self) -> UsageDelta {
        UsageDelta {
            cpu_s: self.cpu_s - before.cpu_s,
            context_switches: self.context_switches.saturating_sub(before.context_switches),
            resident_bytes: self.resident_bytes,
        }
    }

    fn read(process: &str) -> io::Result<Self> {
        let read = |path: String| {
            fs::read_to_string(&path)
                .map_err(|error| io::Error::new(error.kind(), format!("{path}: {error}")))
        };
        let stat = read(format!("{process}/stat"))?;
        // The second field is the command name in parentheses and may contain anything, spaces and parentheses too.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        let cpu_s = (ticks(11) + ticks(12)) / TICKS_PER_S;
        let resident = number_in(&read(format!("{process}/status"))?, "VmRSS:");
        let mut context_switches = 0;
        for task in fs::read_dir(format!("{process}/task"))?.flatten() {
            // A thread may have exited since the listing.
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            context_switches += number_in(&status, "voluntary_ctxt_switches:")
                + number_in(&status, "nonvoluntary_ctxt_switches:");
        }
        Ok(Self { cpu_s, context_switches, resident_bytes: resident * 1_024 })
    }
}

fn number_in(status: &str, line: &str) -> u64 {
    let value = status
        .lines()
        .find_map(|text| text.strip_prefix(line))
        .and_then(|rest| rest.split_whitespace().next());
    value.and_then(|value| value.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_and_memory_are_measured() {
        let before = ProcessUsage::of_self().unwrap();
        let mut mixed = 1u64;
        for number in 0..200_000_000u64 {
            mixed = crate::random::splitmix64(mixed ^ number);
        }
        let cost = ProcessUsage::of_self().unwrap().since(&before);
        assert!(mixed != 0 && cost.cpu_s > 0.01 && cost.resident_bytes > 100_000, "{cost:?}");
        assert!(ProcessUsage::of(u32::MAX).is_err());
    }
}
