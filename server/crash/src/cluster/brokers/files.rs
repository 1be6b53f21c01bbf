//! Files of a broker's store, and damage to them.

use std::{
    fs,
    io::{Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use rand::RngExt;
use rand_pcg::Pcg64Mcg;

use super::STREAM;
use crate::error::Result;

/// Part of the store that a file belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Area {
    /// The messages of the stream.
    Stream,
    /// The Raft log of the stream.
    Raft,
    /// The Raft log of the brokers' metadata.
    Meta,
}

/// Role of a file within its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Messages.
    Block,
    /// The index of blocks, which can be computed from them.
    Index,
    /// A snapshot of the Raft state.
    Snapshot,
    /// Settings, peers, votes and commit positions.
    State,
}

/// Damage to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Damage {
    /// One bit is flipped.
    Flip,
    /// The end is cut off: at least a byte, at most all.
    Cut,
}

/// Removes the contents of a directory, which may be a mount point.
pub(super) fn clear(directory: &Path) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            fs::remove_dir_all(path)?;
        } else {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Lists the files of a kind that are not empty, in the order of their paths.
pub(crate) fn list(store: &Path, area: Area, role: Role) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    walk(store, &mut files)?;
    files.retain(|path| classify(store, path) == Some((area, role)));
    files.retain(|path| path.metadata().is_ok_and(|metadata| metadata.len() > 0));
    files.sort();
    Ok(files)
}

fn walk(directory: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, files)?;
        } else {
            files.push(path);
        }
    }
    Ok(())
}

/// Returns the kind of a file of the store.
fn classify(store: &Path, path: &Path) -> Option<(Area, Role)> {
    let relative = path.strip_prefix(store).ok()?.to_str()?;
    let area = if relative.contains("/_meta_/") {
        Area::Meta
    } else if relative.contains("/_js_/S-") {
        Area::Raft
    } else if relative.contains(&format!("/streams/{STREAM}/")) && !relative.contains("/obs/") {
        Area::Stream
    } else {
        return None;
    };
    let name = path.file_name()?.to_str()?;
    let role = match name.rsplit('.').next()? {
        "blk" => Role::Block,
        "db" => Role::Index,
        _ if relative.contains("/snapshots/") => Role::Snapshot,
        "inf" | "sum" | "idx" => Role::State,
        _ => return None,
    };
    Some((area, role))
}

/// Damages a file; returns a description.
pub(crate) fn damage(path: &Path, damage: Damage, rng: &mut Pcg64Mcg) -> Result<String> {
    let length = path.metadata()?.len();
    let mut file = fs::OpenOptions::new().read(true).write(true).open(path)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(match damage {
        Damage::Flip => {
            let (at, bit) = (rng.random_range(0..length), rng.random_range(0..8_u32));
            let mut byte = [0];
            file.seek(SeekFrom::Start(at))?;
            file.read_exact(&mut byte)?;
            byte[0] ^= 1 << bit;
            file.seek(SeekFrom::Start(at))?;
            file.write_all(&byte)?;
            format!("bit {bit} of byte {at} of {length} of {name} flipped")
        }
        Damage::Cut => {
            let kept = rng.random_range(0..length);
            file.set_len(kept)?;
            format!("{name} cut from {length} to {kept} bytes")
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::args::rng_of;

    #[test]
    fn files_are_classified() {
        let store = Path::new("/s");
        for (path, expected) in [
            ("jetstream/$G/streams/NEARBY/msgs/1.blk", Some((Area::Stream, Role::Block))),
            ("jetstream/$G/streams/NEARBY/msgs/index.db", Some((Area::Stream, Role::Index))),
            ("jetstream/$G/streams/NEARBY/meta.inf", Some((Area::Stream, Role::State))),
            ("jetstream/$G/streams/NEARBY/obs/x/meta.inf", None),
            ("jetstream/$G/streams/OTHER/meta.inf", None),
            ("jetstream/$SYS/_js_/S-R3F-uvrZyF5j/msgs/2.blk", Some((Area::Raft, Role::Block))),
            ("jetstream/$SYS/_js_/S-R3F-uvrZyF5j/snapshots/snap.1.3", Some((Area::Raft, Role::Snapshot))),
            ("jetstream/$SYS/_js_/S-R3F-uvrZyF5j/tav.idx", Some((Area::Raft, Role::State))),
            ("jetstream/$SYS/_js_/_meta_/msgs/index.db", Some((Area::Meta, Role::Index))),
            ("jetstream/$SYS/_js_/_meta_/snapshots/snap.1.3", Some((Area::Meta, Role::Snapshot))),
        ] {
            assert_eq!(classify(store, &store.join(path)), expected, "{path}");
        }
    }

    #[test]
    fn damage_changes_one_bit_or_the_length() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("1.blk");
        let original = vec![7; 1_000];
        for case in 0..50 {
            let mut rng = rng_of(1, case);
            fs::write(&path, &original).unwrap();
            damage(&path, Damage::Flip, &mut rng).unwrap();
            let flipped = fs::read(&path).unwrap();
            let bits: u32 =
                flipped.iter().zip(&original).map(|(one, other)| (one ^ other).count_ones()).sum();
            assert_eq!((flipped.len(), bits), (1_000, 1));
            damage(&path, Damage::Cut, &mut rng).unwrap();
            assert!(fs::metadata(&path).unwrap().len() < 1_000);
        }
    }

    #[test]
    fn a_store_is_emptied_without_the_directory_itself() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir_all(directory.path().join("a/b")).unwrap();
        fs::write(directory.path().join("a/b/1.blk"), "x").unwrap();
        fs::write(directory.path().join("c"), "x").unwrap();
        clear(directory.path()).unwrap();
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
