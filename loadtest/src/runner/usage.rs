//! What a process has used, from `/proc`.

use std::{fs, io, time::Duration};

use serde::{Deserialize, Serialize};

/// Clock ticks a second in `/proc/PID/stat` (`sysconf(_SC_CLK_TCK)`): 100 on every Linux that this runs on.
const TICKS_PER_S: f64 = 100.0;

/// What a process has used since it began.
#[derive(Clone, Copy, Debug, Default)]
pub struct Usage {
    cpu_s: f64,
    context_switches: u64,
    /// Resident memory in bytes.
    pub resident_bytes: u64,
}

/// What a process used in a while.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
pub struct Cost {
    /// Seconds of processor time, user's and system's.
    pub cpu_s: f64,
    /// How often its threads gave way.
    pub context_switches: u64,
    /// Resident memory at the end, in bytes.
    pub resident_bytes: u64,
}

impl Cost {
    /// As of one second, where it was of so long a time.
    pub(super) fn over(self, time: Duration) -> Self {
        Self { cpu_s: self.cpu_s / time.as_secs_f64().max(1e-3), ..self }
    }
}

impl Usage {
    /// Of a process.
    ///
    /// # Errors
    /// There is none of that number, or it is another's.
    pub fn of(pid: u32) -> io::Result<Self> {
        Self::read(&format!("/proc/{pid}"))
    }

    /// Of this process.
    ///
    /// # Errors
    /// `/proc` cannot be read.
    pub fn of_self() -> io::Result<Self> {
        Self::read("/proc/self")
    }

    /// What came to it since.
    #[must_use]
    pub fn since(&self, before: &Self) -> Cost {
        Cost {
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
        // The second field is a name in brackets and may hold anything.
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or_default();
        let cpu_s = (ticks(11) + ticks(12)) / TICKS_PER_S;
        let resident = number_in(&read(format!("{process}/status"))?, "VmRSS:");
        let mut context_switches = 0;
        for task in fs::read_dir(format!("{process}/task"))?.flatten() {
            // A thread may end meanwhile.
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
    fn work_is_seen_in_what_was_used() {
        let before = Usage::of_self().unwrap();
        let mut mixed = 1u64;
        for number in 0..200_000_000u64 {
            mixed = crate::dataset::mixed(mixed ^ number);
        }
        let cost = Usage::of_self().unwrap().since(&before);
        assert!(mixed != 0 && cost.cpu_s > 0.01 && cost.resident_bytes > 100_000, "{cost:?}");
        assert!(Usage::of(u32::MAX).is_err());
    }
}
