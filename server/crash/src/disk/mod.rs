//! What a disk may hold after the power went off: the files and directories of a trace, with what is sure of each and what
//! is not.
//!
//! Sure is what a sync has covered: of a file its bytes and its length, of a directory the names in it. Of all that came
//! later a [`Policy`] says what survives. Names survive in their order within a directory, as file systems journal them;
//! bytes in any.

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

/// What survives of that which no sync has covered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Policy {
    /// Nothing.
    Drop,
    /// All of it.
    Keep,
    /// Any writes of each file, and the first names of each directory.
    Subset,
    /// The same, and of each write any sectors.
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

/// What a disk writes whole.
const SECTOR: usize = 512;

/// A file or directory that was there before the trace began.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Found {
    /// Below the root; empty for the root itself.
    path: String,
    inode: u64,
    is_directory: bool,
}

/// Lists a directory and all below it, directories before what is in them.
pub(crate) fn scan(root: &Path) -> io::Result<Vec<Found>> {
    let mut found = vec![Found { path: String::new(), inode: fs::metadata(root)?.ino(), is_directory: true }];
    let mut next = 0;
    while let Some(Found { path, is_directory, .. }) = found.get(next).cloned() {
        next += 1;
        if !is_directory {
            continue;
        }
        for entry in fs::read_dir(root.join(&path))? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let below = if path.is_empty() { name } else { format!("{path}/{name}") };
            let metadata = entry.metadata()?;
            found.push(Found { path: below, inode: metadata.ino(), is_directory: metadata.is_dir() });
        }
    }
    Ok(found)
}

#[derive(Clone, Debug)]
enum Change {
    Write { at: usize, bytes: Range<usize> },
    Zero { at: usize, length: usize },
    SetLen(usize),
    Extend(usize),
}

#[derive(Clone, Debug)]
enum Naming {
    Put(String, usize),
    Remove(String),
    Rename(String, String, usize),
    /// To another directory, where the same step puts it.
    MoveAway(String, usize),
}

#[derive(Debug, Default)]
struct Node {
    is_directory: bool,
    /// Of a file.
    bytes: Vec<u8>,
    changes: Vec<(u64, Change)>,
    /// Of a directory: what is sure, what came later, and both.
    names: BTreeMap<String, usize>,
    namings: Vec<(u64, Naming)>,
    now: BTreeMap<String, usize>,
}

/// A disk as a trace has left it so far.
#[derive(Debug)]
pub(crate) struct Disk<'a> {
    trace: &'a [u8],
    nodes: Vec<Node>,
    by_inode: HashMap<u64, usize>,
    /// Syncs under way: of which node, and how far they reach.
    begun: HashMap<(u64, u64), (usize, u64)>,
    step: u64,
}

/// What is on a disk: bytes of each file by its path, none for a directory.
pub(crate) type Image = BTreeMap<String, Option<Vec<u8>>>;

const ROOT: usize = 0;

impl<'a> Disk<'a> {
    /// A disk on which all that was found is sure.
    pub(crate) fn new(trace: &'a [u8], found: &[Found], root: &Path) -> Result<Self, String> {
        let mut disk =
            Self { trace, nodes: vec![], by_inode: HashMap::new(), begun: HashMap::new(), step: 0 };
        for Found { path, inode, is_directory } in found {
            let node = disk.add(*inode, *is_directory);
            if !is_directory {
                disk.nodes[node].bytes =
                    fs::read(root.join(path)).map_err(|error| format!("cannot read {path}: {error}"))?;
            }
            if !path.is_empty() {
                let (parent, name) = disk.place(path)?;
                disk.nodes[parent].names.insert(name.clone(), node);
                disk.nodes[parent].now.insert(name, node);
            }
        }
        Ok(disk)
    }

    fn add(&mut self, inode: u64, is_directory: bool) -> usize {
        self.nodes.push(Node { is_directory, ..Node::default() });
        // A number that is used again belongs to the new file: the old one is gone.
        self.by_inode.insert(inode, self.nodes.len() - 1);
        self.nodes.len() - 1
    }

    /// The directory that a path lies in, and its name there.
    fn place(&self, path: &str) -> Result<(usize, String), String> {
        let mut parts: Vec<&str> = path.split('/').collect();
        let name = parts.pop().unwrap_or_default().to_owned();
        let step = |node: usize, part: &&str| self.nodes[node].now.get(*part).copied();
        let parent = parts.iter().try_fold(ROOT, step);
        Ok((parent.ok_or_else(|| format!("the trace never made the directory of {path}"))?, name))
    }

    fn node(&self, inode: u64) -> Result<usize, String> {
        let node = self.by_inode.get(&inode).copied();
        node.ok_or_else(|| format!("the trace never made the file with inode {inode}"))
    }

    fn change(&mut self, inode: u64, change: Change) -> Result<(), String> {
        let node = self.node(inode)?;
        self.nodes[node].changes.push((self.step, change));
        Ok(())
    }

    fn put(&mut self, path: &str, node: usize) -> Result<(), String> {
        let (parent, name) = self.place(path)?;
        let parent = &mut self.nodes[parent];
        parent.now.insert(name.clone(), node);
        parent.namings.push((self.step, Naming::Put(name, node)));
        Ok(())
    }

    /// Does what a record says.
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
                self.begun.insert((*process, *number), (node, self.step));
                Ok(())
            }
            Op::SyncEnd { number, process, .. } => {
                if let Some((node, reach)) = self.begun.remove(&(*process, *number)) {
                    self.settle(node, reach);
                }
                Ok(())
            }
            Op::Rename { from, to } => self.rename(from, to),
            Op::Link { file, path } => self.put(path, self.node(*file)?),
            Op::Unlink { path } => {
                let (parent, name) = self.place(path)?;
                let parent = &mut self.nodes[parent];
                parent.now.remove(&name);
                parent.namings.push((self.step, Naming::Remove(name)));
                Ok(())
            }
            Op::Unknown { path, what } => Err(format!("the shim cannot follow {what} of {path}")),
            Op::SyncFailed { .. } | Op::SyncRange => Ok(()),
        }
    }

    fn rename(&mut self, from: &str, to: &str) -> Result<(), String> {
        let ((from_parent, from_name), (to_parent, to_name)) = (self.place(from)?, self.place(to)?);
        let node = self.nodes[from_parent].now.remove(&from_name);
        let node = node.ok_or_else(|| format!("the trace never made {from}, which it renames"))?;
        self.nodes[to_parent].now.insert(to_name.clone(), node);
        if from_parent == to_parent {
            let naming = Naming::Rename(from_name, to_name, node);
            self.nodes[to_parent].namings.push((self.step, naming));
        } else {
            self.nodes[to_parent].namings.push((self.step, Naming::Put(to_name, node)));
            self.nodes[from_parent].namings.push((self.step, Naming::MoveAway(from_name, to_parent)));
        }
        Ok(())
    }

    /// Makes sure what was done to a file or directory up to a step.
    fn settle(&mut self, node: usize, reach: u64) {
        let trace = self.trace;
        let mut elsewhere = Vec::new();
        let it = &mut self.nodes[node];
        let covered = it.changes.partition_point(|(step, _)| *step <= reach);
        for (_, change) in it.changes.drain(..covered) {
            make(&mut it.bytes, &change, trace);
        }
        let covered = it.namings.partition_point(|(step, _)| *step <= reach);
        for (step, naming) in it.namings.drain(..covered) {
            if let Naming::MoveAway(_, to) = naming {
                elsewhere.push((to, step));
            }
            name(&mut it.names, &naming);
        }
        elsewhere.into_iter().for_each(|(to, step)| self.settle(to, step));
    }

    /// What may be on the disk if the power goes off now.
    pub(crate) fn image(&self, policy: Policy, random: &mut Pcg64Mcg) -> Image {
        let kept = self.namings_kept(policy, random);
        let mut image = Image::new();
        let mut waiting = vec![(String::new(), ROOT)];
        while let Some((path, node)) = waiting.pop() {
            let it = &self.nodes[node];
            if !it.is_directory {
                image.insert(path, Some(self.bytes(it, policy, random)));
                continue;
            }
            let mut names = it.names.clone();
            it.namings.iter().take(kept[node]).for_each(|(_, naming)| self::name(&mut names, naming));
            for (below, node) in names {
                let below = if path.is_empty() { below } else { format!("{path}/{below}") };
                waiting.push((below, node));
            }
            if !path.is_empty() {
                image.insert(path, None);
            }
        }
        image
    }

    /// How many namings survive in each directory.
    fn namings_kept(&self, policy: Policy, random: &mut Pcg64Mcg) -> Vec<usize> {
        let of = |node: &Node| match policy {
            Policy::Drop => 0,
            Policy::Keep => node.namings.len(),
            Policy::Subset | Policy::Torn => match random.random_range(0..4) {
                0 => 0,
                1 => node.namings.len(),
                _ => random.random_range(0..=node.namings.len()),
            },
        };
        let mut kept: Vec<usize> = self.nodes.iter().map(of).collect();
        // What has left one directory has come to the other.
        for _ in 0..self.nodes.len() {
            let before = kept.clone();
            for (node, it) in self.nodes.iter().enumerate() {
                for (step, naming) in it.namings.iter().take(kept[node]) {
                    if let Naming::MoveAway(_, to) = naming {
                        let needed = self.nodes[*to].namings.partition_point(|(other, _)| other <= step);
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

    fn bytes(&self, node: &Node, policy: Policy, random: &mut Pcg64Mcg) -> Vec<u8> {
        let mut bytes = node.bytes.clone();
        let chance = [0.1, 0.5, 0.9][random.random_range(0..3)];
        for (_, change) in &node.changes {
            match (policy, change) {
                (Policy::Drop, _) => {}
                (Policy::Keep, _) => make(&mut bytes, change, self.trace),
                (Policy::Torn, Change::Write { at, bytes: range }) => {
                    let (given, whole) = (&self.trace[range.clone()], *at..*at + range.len());
                    tear(&mut bytes, whole, given, chance, random);
                }
                (Policy::Subset | Policy::Torn, change) => {
                    if random.random_bool(chance) {
                        make(&mut bytes, change, self.trace);
                    } else if let Change::Write { at, bytes: range } = change
                        && random.random_bool(0.5)
                    {
                        // The length without the bytes.
                        make(&mut bytes, &Change::Extend(at + range.len()), self.trace);
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

fn make(bytes: &mut Vec<u8>, change: &Change, trace: &[u8]) {
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

/// Some sectors of a write: the first ones, or any.
fn tear(bytes: &mut Vec<u8>, whole: Range<usize>, given: &[u8], chance: f64, random: &mut Pcg64Mcg) {
    let sectors = whole.start / SECTOR..whole.end.div_ceil(SECTOR);
    let first = random.random_bool(0.5).then(|| random.random_range(sectors.start..=sectors.end));
    for sector in sectors {
        let survives = match first {
            Some(end) => sector < end,
            None => random.random_bool(chance),
        };
        let from = (sector * SECTOR).max(whole.start);
        let to = ((sector + 1) * SECTOR).min(whole.end);
        if survives {
            put(bytes, from, &given[from - whole.start..to - whole.start]);
        }
    }
    if bytes.len() < whole.end && random.random_bool(0.5) {
        bytes.resize(whole.end, 0);
    }
}

fn name(names: &mut BTreeMap<String, usize>, naming: &Naming) {
    match naming {
        Naming::Put(name, node) => {
            names.insert(name.clone(), *node);
        }
        Naming::Remove(name) | Naming::MoveAway(name, _) => {
            names.remove(name);
        }
        Naming::Rename(from, to, node) => {
            names.remove(from);
            names.insert(to.clone(), *node);
        }
    }
}

/// Writes an image below a directory.
pub(crate) fn materialise(image: &Image, root: &Path) -> io::Result<()> {
    fs::create_dir_all(root)?;
    for (path, bytes) in image {
        let path = root.join(path);
        match bytes {
            // In the order of paths a directory comes before what is in it.
            None => fs::create_dir_all(path)?,
            Some(bytes) => fs::write(path, bytes)?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
