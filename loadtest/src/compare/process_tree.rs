//! What a server uses, where it is several processes.

use std::{collections::BTreeMap, fs, io};

use crate::runner::Usage;

/// A process and those that it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Processes(u32);

/// What each of them has used so far.
#[derive(Debug)]
pub(super) struct Used(BTreeMap<u32, Usage>);

impl Processes {
    /// Of a process that there is.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        Usage::of(pid)?;
        Ok(Self(pid))
    }

    /// What they have used since each began.
    pub(super) fn used(self) -> io::Result<Used> {
        let mut used = BTreeMap::from([(self.0, Usage::of(self.0)?)]);
        // A child may end meanwhile: then it is none.
        used.extend(self.children()?.into_iter().filter_map(|pid| Some((pid, Usage::of(pid).ok()?))));
        Ok(Used(used))
    }

    /// Memory of all of them together. What they share counts once, where the kernel tells (Pss); where it does not, as
    /// of another's process, what is resident counts for each.
    pub(super) fn memory_bytes(self) -> io::Result<u64> {
        let resident = |pid: u32| Usage::of(pid).map_or(0, |usage| usage.resident_bytes);
        let mut all = self.children()?;
        all.push(self.0);
        Ok(all.into_iter().map(|pid| share_bytes(pid).unwrap_or_else(|| resident(pid))).sum())
    }

    fn children(self) -> io::Result<Vec<u32>> {
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Threads and processes that have ended meanwhile have no parent to find.
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if field(&status, "PPid:") == Some(u64::from(self.0)) {
                children.push(pid);
            }
        }
        Ok(children)
    }
}

impl Used {
    /// Seconds of processor time that came to them since. Those of a process that has ended meanwhile are lost.
    pub(super) fn cpu_s_since(&self, before: &Self) -> f64 {
        let since =
            |(pid, usage): (&u32, &Usage)| usage.since(&before.0.get(pid).copied().unwrap_or_default()).cpu_s;
        self.0.iter().map(since).sum()
    }
}

/// Memory of a process, with its part of what it shares.
fn share_bytes(pid: u32) -> Option<u64> {
    let rollup = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
    field(&rollup, "Pss:").map(|kib| kib * 1_024)
}

fn field(text: &str, name: &str) -> Option<u64> {
    let rest = text.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn children_count_and_strangers_do_not() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let own = Processes::of(std::process::id()).unwrap();
        let used = own.used().unwrap();
        assert!(used.0.contains_key(&child.id()) && used.0.contains_key(&std::process::id()));
        assert!(!used.0.contains_key(&1));
        assert!(own.memory_bytes().unwrap() > 1_000_000);
        assert!(own.used().unwrap().cpu_s_since(&used) >= 0.0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(Processes::of(u32::MAX).is_err());
    }
}
