//! CPU time and memory of a server that consists of several processes.

use std::{collections::BTreeMap, fs, io};

use crate::runner::ProcessUsage;

/// A process and its children.
#[derive(Clone, Copy, Debug)]
pub(super) struct ProcessTree(u32);

/// Usage of each process since it started.
#[derive(Debug)]
pub(super) struct TreeUsage(BTreeMap<u32, ProcessUsage>);

impl ProcessTree {
    /// Creates the tree of an existing process.
    pub(super) fn of(pid: u32) -> io::Result<Self> {
        ProcessUsage::of(pid)?;
        Ok(Self(pid))
    }

    /// Reads the usage of all its processes.
    pub(super) fn usage(self) -> io::Result<TreeUsage> {
        let mut used = BTreeMap::from([(self.0, ProcessUsage::of(self.0)?)]);
        // A child may have exited since the listing: it is skipped.
        used.extend(self.children()?.into_iter().filter_map(|pid| Some((pid, ProcessUsage::of(pid).ok()?))));
        Ok(TreeUsage(used))
    }

    /// Returns the memory of all its processes. Shared pages count once where the kernel reports them (Pss); where it does not,
    /// as for another user's process, resident memory counts for each process.
    pub(super) fn memory_bytes(self) -> io::Result<u64> {
        let resident = |pid: u32| ProcessUsage::of(pid).map_or(0, |usage| usage.resident_bytes);
        let mut all = self.children()?;
        all.push(self.0);
        Ok(all.into_iter().map(|pid| share_bytes(pid).unwrap_or_else(|| resident(pid))).sum())
    }

    fn children(self) -> io::Result<Vec<u32>> {
        let mut children = Vec::new();
        for entry in fs::read_dir("/proc")?.flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            // Threads, and processes that exited since the listing, have no readable status.
            let status = fs::read_to_string(entry.path().join("status")).unwrap_or_default();
            if field(&status, "PPid:") == Some(u64::from(self.0)) {
                children.push(pid);
            }
        }
        Ok(children)
    }
}

impl TreeUsage {
    /// Returns the CPU time in seconds since an earlier reading, without that of processes that exited since.
    pub(super) fn cpu_s_since(&self, before: &Self) -> f64 {
        let since = |(pid, usage): (&u32, &ProcessUsage)| {
            usage.since(&before.0.get(pid).copied().unwrap_or_default()).cpu_s
        };
        self.0.iter().map(since).sum()
    }
}

/// Returns the memory of a process with its proportional share of shared pages.
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
    fn children_are_included_and_other_processes_are_not() {
        let mut child = Command::new("sleep").arg("30").spawn().unwrap();
        let own = ProcessTree::of(std::process::id()).unwrap();
        let used = own.usage().unwrap();
        assert!(used.0.contains_key(&child.id()) && used.0.contains_key(&std::process::id()));
        assert!(!used.0.contains_key(&1));
        assert!(own.memory_bytes().unwrap() > 1_000_000);
        assert!(own.usage().unwrap().cpu_s_since(&used) >= 0.0);
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(ProcessTree::of(u32::MAX).is_err());
    }
}
