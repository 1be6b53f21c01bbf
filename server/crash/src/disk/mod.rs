//! A model of a disk that loses power: the files and directories of a trace, each with its durable state and the operations that
//! are not durable yet.
//!
//! A sync makes operations durable: the bytes and the length of a file, the names in a directory. A [`Policy`] decides which of the
//! other operations survive. Names survive in order within a directory, as file systems journal them; writes survive in any order.

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    ops::Range,
    os::unix::fs::MetadataExt,
    path::Path,
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;
use serde::{Deserialize, Serialize};

use crate::trace::Op;

/// Selects the operations that survive without a sync.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Policy {
    /// None.
    Drop,
    /// All.
    Keep,
    /// A random subset of the writes to each file, and a random prefix of the name changes in each directory.
    Subset,
    /// The same, and a random subset of the sectors of each write.
    Torn,
}

impl Policy {
    pub(crate) const ALL: [Self; 4] = [Self::Drop, Self::Keep, Self::Subset, Self::Torn];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Drop => "drop",
            Self::Keep => "keep",
            Self::Subset => "subset",
            Self::Torn => "torn",
        }
    }
}

/// Unit that a disk writes atomically, in bytes.
const SECTOR: usize = 512;

/// A file or directory that existed before the trace began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct ExistingFile {
    /// Path below the root; empty for the root itself.
    path: String,
    inode: u64,
    is_directory: bool,
}

/// Lists a directory recursively; a directory comes before its contents.
pub(crate) fn scan(root: &Path) -> io::Result<Vec<ExistingFile>> {
    let mut found =
        vec![ExistingFile { path: String::new(), inode: fs::metadata(root)?.ino(), is_directory: true }];
    let mut next = 0;
    while let Some(ExistingFile { path, is_directory, .. }) = found.get(next).cloned() {
        next += 1;
        if !is_directory {
            continue;
        }
        for entry in fs::read_dir(root.join(&path))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let below = if path.is_empty() { name } else { format!("{path}/{name}") };
            let metadata = entry.metadata()?;
            found.push(ExistingFile { path: below, inode: metadata.ino(), is_directory: metadata.is_dir() });
        }
    }
    Ok(found)
}

/// A change to the contents of a file.
#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Range<usize> },
    Zero { at: usize, length: usize },
    SetLen(usize),
    Extend(usize),
}

/// A change to the names in a directory.
#[derive(Clone, Debug)]
enum NameChange {
    Put(String, usize),
    Remove(String),
    Rename(String, String, usize),
    /// A move to another directory, where the same step puts the name.
    MoveAway(String, usize),
}

/// A file or directory.
#[derive(Debug, Default)]
struct Node {
    is_directory: bool,
    /// Durable contents of a file, and the later changes with their steps.
    bytes: Vec<u8>,
    changes: Vec<(u64, Change)>,
    /// Durable names of a directory, the later changes with their steps, and the current names.
    names: BTreeMap<String, usize>,
    name_changes: Vec<(u64, NameChange)>,
    current: BTreeMap<String, usize>,
}

/// A disk after a prefix of a trace.
#[derive(Debug)]
pub(crate) struct Disk<'a> {
    trace: &'a [u8],
    nodes: Vec<Node>,
    by_inode: HashMap<u64, usize>,
    /// Syncs in progress, by process and number: the node, and the last step that they cover.
    pending_syncs: HashMap<(u64, u64), (usize, u64)>,
    step: u64,
}

/// Contents of a disk: the bytes of each file by path, `None` for a directory.
pub(crate) type Image = BTreeMap<String, Option<Vec<u8>>>;

const ROOT: usize = 0;

impl<'a> Disk<'a> {
    /// Creates a disk on which the existing files are durable.
    pub(crate) fn new(trace: &'a [u8], found: &[ExistingFile], root: &Path) -> Result<Self, String> {
        let mut disk =
            Self { trace, nodes: vec![], by_inode: HashMap::new(), pending_syncs: HashMap::new(), step: 0 };
        for ExistingFile { path, inode, is_directory } in found {
            let node = disk.add(*inode, *is_directory);
            if !is_directory {
                disk.nodes[node].bytes =
                    fs::read(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
            }
            if !path.is_empty() {
                let (parent, name) = disk.resolve(path)?;
                disk.nodes[parent].names.insert(name.clone(), node);
                disk.nodes[parent].current.insert(name, node);
            }
        }
        Ok(disk)
    }

    fn add(&mut self, inode: u64, is_directory: bool) -> usize {
        self.nodes.push(Node { is_directory, ..Node::default() });
        // A reused inode number belongs to the new file: the old file no longer exists.
        self.by_inode.insert(inode, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// Returns the directory that contains a path, and the name in it.
    fn resolve(&self, path: &str) -> Result<(usize, String), String> {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default().to_owned();
        let step = |node: usize, part: &&str| self.nodes[node].current.get(*part).copied();
        let parent = parts.iter().try_fold(ROOT, step);
        Ok((parent.ok_or_else(|| format!("the trace does not create the directory of {path}"))?, name))
    }

    fn node(&self, inode: u64) -> Result<usize, String> {
        let node = self.by_inode.get(&inode).copied();
        node.ok_or_else(|| format!("the trace does not create the file with inode {inode}"))
    }

    fn change(&mut self, inode: u64, change: Change) -> Result<(), String> {
        let node = self.node(inode)?;
        self.nodes[node].changes.push((self.step, change));
        Ok(())
    }

    fn put(&mut self, path: &str, node: usize) -> Result<(), String> {
        let (parent, name) = self.resolve(path)?;
        let parent = &mut self.nodes[parent];
        parent.current.insert(name.clone(), node);
        parent.name_changes.push((self.step, NameChange::Put(name, node)));
        Ok(())
    }

    /// Applies a record of the trace.
    pub(crate) fn apply(&mut self, op: &Op) -> Result<(), String> {
        self.step += 1;
        match op {
            Op::Create { file, path } => {
                let node = self.add(*file, false);
                self.put(path, node)
            }
            Op::MakeDir { file, path } => {
                let node = self.add(*file, true);
                self.put(path, node)
            }
            Op::Write { file, at, bytes } => {
                self.change(*file, Change::Write { at: size(*at)?, bytes: bytes.clone() })
            }
            Op::SetLen { file, length } => self.change(*file, Change::SetLen(size(*length)?)),
            Op::Extend { file, length } => self.change(*file, Change::Extend(size(*length)?)),
            Op::Zero { file, at, length } => {
                self.change(*file, Change::Zero { at: size(*at)?, length: size(*length)? })
            }
            Op::SyncBegin { file, number, process } => {
                let node = self.node(*file)?;
                self.pending_syncs.insert((*process, *number), (node, self.step));
                Ok(())
            }
            Op::SyncEnd { number, process, .. } => {
                if let Some((node, reach)) = self.pending_syncs.remove(&(*process, *number)) {
                    self.make_durable(node, reach);
                }
                Ok(())
            }
            Op::Rename { from, to } => self.rename(from, to),
            Op::Link { file, path } => self.put(path, self.node(*file)?),
            Op::Unlink { path } => {
                let (parent, name) = self.resolve(path)?;
                let parent = &mut self.nodes[parent];
                parent.current.remove(&name);
                parent.name_changes.push((self.step, NameChange::Remove(name)));
                Ok(())
            }
            Op::Unknown { path, what } => Err(format!("the shim does not support {what} of {path}")),
            Op::SyncFailed { .. } | Op::SyncRange => Ok(()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let ((from_parent, from_name), (to_parent, to_name)) = (self.resolve(from)?, self.resolve(to)?);
        let node = self.nodes[from_parent].current.remove(&from_name);
        let node = node.ok_or_else(|| format!("the trace renames {from} but does not create it"))?;
        self.nodes[to_parent].current.insert(to_name.clone(), node);
        if from_parent == to_parent {
            let change = NameChange::Rename(from_name, to_name, node);
            self.nodes[to_parent].name_changes.push((self.step, change));
        } else {
            self.nodes[to_parent].name_changes.push((self.step, NameChange::Put(to_name, node)));
            self.nodes[from_parent]
                .name_changes
                .push((self.step, NameChange::MoveAway(from_name, to_parent)));
        }
        Ok(())
    }

    /// Makes the operations on a file or directory durable, up to a step.
    fn make_durable(&mut self, node: usize, reach: u64) {
        let trace = self.trace;
        let mut moved_to = Vec::new();
        let it = &mut self.nodes[node];
        let covered = it.changes.partition_point(|(step, _)| *step <= reach);
        for (_, change) in it.changes.drain(..covered) {
            apply_change(&mut it.bytes, &change, trace);
        }
        let covered = it.name_changes.partition_point(|(step, _)| *step <= reach);
        for (step, change) in it.name_changes.drain(..covered) {
            if let NameChange::MoveAway(_, to) = change {
                moved_to.push((to, step));
            }
            apply_name_change(&mut it.names, &change);
        }
        moved_to.into_iter().for_each(|(to, step)| self.make_durable(to, step));
    }

    /// Returns what the disk may contain if the power fails now.
    pub(crate) fn image(&self, policy: Policy, rng: &mut Pcg64Mcg) -> Image {
        let kept = self.surviving_name_changes(policy, rng);
        let mut image = Image::new();
        let mut pending = vec![(String::new(), ROOT)];
        while let Some((path, node)) = pending.pop() {
            let it = &self.nodes[node];
            if !it.is_directory {
                image.insert(path, Some(self.contents(it, policy, rng)));
                continue;
            }
            let mut names = it.names.clone();
            it.name_changes
                .iter()
                .take(kept[node])
                .for_each(|(_, change)| apply_name_change(&mut names, change));
            for (below, node) in names {
                let below = if path.is_empty() { below } else { format!("{path}/{below}") };
                pending.push((below, node));
            }
            if !path.is_empty() {
                image.insert(path, None);
            }
        }
        image
    }

    /// Returns the number of name changes that survive in each directory.
    fn surviving_name_changes(&self, policy: Policy, rng: &mut Pcg64Mcg) -> Vec<usize> {
        let number = |node: &Node| match policy {
            Policy::Drop => 0,
            Policy::Keep => node.name_changes.len(),
            Policy::Subset | Policy::Torn => match rng.random_range(0..4) {
                0 => 0,
                1 => node.name_changes.len(),
                _ => rng.random_range(0..=node.name_changes.len()),
            },
        };
        let mut kept: Vec<usize> = self.nodes.iter().map(number).collect();
        // A move between directories is atomic: what survives in the old one survives in the new one.
        for _ in 0..self.nodes.len() {
            let before = kept.clone();
            for (node, it) in self.nodes.iter().enumerate() {
                for (step, change) in it.name_changes.iter().take(kept[node]) {
                    if let NameChange::MoveAway(_, to) = change {
                        let needed = self.nodes[*to].name_changes.partition_point(|(other, _)| other <= step);
                        kept[*to] = kept[*to].max(needed);
                    }
                }
            }
            if kept == before {
                break;
            }
        }
        kept
    }

    /// Returns the contents of a file that survive.
    fn contents(&self, node: &Node, policy: Policy, rng: &mut Pcg64Mcg) -> Vec<u8> {
        let mut bytes = node.bytes.clone();
        let chance = [0.1, 0.5, 0.9][rng.random_range(0..3)];
        for (_, change) in &node.changes {
            match (policy, change) {
                (Policy::Drop, _) => {}
                (Policy::Keep, _) => apply_change(&mut bytes, change, self.trace),
                (Policy::Torn, Change::Write { at, bytes: range }) => {
                    let (given, whole) = (&self.trace[range.clone()], *at..*at + range.len());
                    write_sectors(&mut bytes, whole, given, chance, rng);
                }
                (Policy::Subset | Policy::Torn, change) => {
                    if rng.random_bool(chance) {
                        apply_change(&mut bytes, change, self.trace);
                    } else if let Change::Write { at, bytes: range } = change
                        && rng.random_bool(0.5)
                    {
                        // The length survives without the bytes.
                        apply_change(&mut bytes, &Change::Extend(at + range.len()), self.trace);
                    }
                }
            }
        }
        bytes
    }
}

fn size(number: u64) -> Result<usize, String> {
    usize::try_from(number).map_err(|error| error.to_string())
}

fn apply_change(bytes: &mut Vec<u8>, change: &Change, trace: &[u8]) {
    match change {
        Change::Write { at, bytes: range } => put(bytes, *at, &trace[range.clone()]),
        Change::Zero { at, length } => {
            let end = (at + length).min(bytes.len());
            if *at < end {
                bytes[*at..end].fill(0);
            }
        }
        Change::SetLen(length) => bytes.resize(*length, 0),
        Change::Extend(length) => bytes.resize(bytes.len().max(*length), 0),
    }
}

fn put(bytes: &mut Vec<u8>, at: usize, given: &[u8]) {
    let end = at + given.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[at..end].copy_from_slice(given);
}

/// Writes some sectors of a write: a prefix or a random subset.
fn write_sectors(bytes: &mut Vec<u8>, whole: Range<usize>, given: &[u8], chance: f64, rng: &mut Pcg64Mcg) {
    let sectors = whole.start / SECTOR..whole.end.div_ceil(SECTOR);
    let first = rng.random_bool(0.5).then(|| rng.random_range(sectors.start..=sectors.end));
    for sector in sectors {
        let survives = match first {
            Some(end) => sector < end,
            None => rng.random_bool(chance),
        };
        let from = (sector * SECTOR).max(whole.start);
        let to = ((sector + 1) * SECTOR).min(whole.end);
        if survives {
            put(bytes, from, &given[from - whole.start..to - whole.start]);
        }
    }
    if bytes.len() < whole.end && rng.random_bool(0.5) {
        bytes.resize(whole.end, 0);
    }
}

fn apply_name_change(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Put(name, node) => {
            names.insert(name.clone(), *node);
        }
        NameChange::Remove(name) | NameChange::MoveAway(name, _) => {
            names.remove(name);
        }
        NameChange::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

/// Writes an image into a directory.
pub(crate) fn write_image(image: &Image, root: &Path) -> io::Result<()> {
    fs::create_dir_all(root)?;
    for (path, bytes) in image {
        let path = root.join(path);
        match bytes {
            // Sorted by path, a directory comes before its contents.
            None => fs::create_dir_all(path)?,
            Some(bytes) => fs::write(path, bytes)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
