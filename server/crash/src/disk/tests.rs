//! Tests of the policies on short traces.

#![allow(clippy::unwrap_used, reason = "tests")]

use rand::SeedableRng;

use super::*;

const BYTES: &[u8] = &[7; 4_096];

fn disk(ops: &[Op]) -> Disk<'static> {
    let found = [ExistingFile { path: String::new(), inode: 1, is_directory: true }];
    let mut disk = Disk::new(BYTES, &found, Path::new("/nowhere")).unwrap();
    ops.iter().for_each(|op| disk.apply(op).unwrap());
    disk
}

fn image(disk: &Disk<'_>, policy: Policy, seed: u64) -> Image {
    disk.image(policy, &mut Pcg64Mcg::seed_from_u64(seed))
}

fn create(file: u64, path: &str) -> Op {
    Op::Create { file, path: path.to_owned() }
}

fn write(file: u64, at: u64, length: usize) -> Op {
    Op::Write { file, at, bytes: 0..length }
}

fn sync(file: u64) -> [Op; 2] {
    [Op::SyncBegin { file, number: file, process: 1 }, Op::SyncEnd { file, number: file, process: 1 }]
}

fn rename(from: &str, to: &str) -> Op {
    Op::Rename { from: from.to_owned(), to: to.to_owned() }
}

#[test]
fn synced_data_is_in_every_image() {
    let mut ops = vec![create(2, "a"), write(2, 0, 1_000)];
    ops.extend(sync(2));
    ops.extend(sync(1));
    let disk = disk(&ops);
    for policy in Policy::ALL {
        for seed in 0..50 {
            assert_eq!(image(&disk, policy, seed)["a"], Some(vec![7; 1_000]), "{policy:?}");
        }
    }
}

#[test]
fn a_file_without_a_synced_name_may_be_missing_but_has_its_synced_bytes() {
    let mut ops = vec![create(2, "a"), write(2, 0, 1_000)];
    ops.extend(sync(2));
    let disk = disk(&ops);
    assert!(image(&disk, Policy::Drop, 0).is_empty());
    assert_eq!(image(&disk, Policy::Keep, 0)["a"], Some(vec![7; 1_000]));
    let seen: Vec<_> = (0..50).map(|seed| image(&disk, Policy::Subset, seed).get("a").cloned()).collect();
    assert!(seen.contains(&None) && seen.contains(&Some(Some(vec![7; 1_000]))));
}

#[test]
fn a_sync_covers_the_operations_before_its_begin() {
    let begin = Op::SyncBegin { file: 2, number: 9, process: 1 };
    let end = Op::SyncEnd { file: 2, number: 9, process: 1 };
    let mut ops = vec![create(2, "a")];
    ops.extend(sync(1));
    ops.extend([write(2, 0, 10), begin, write(2, 10, 10)]);
    assert_eq!(image(&disk(&ops), Policy::Drop, 0)["a"], Some(vec![]));
    ops.push(end);
    assert_eq!(image(&disk(&ops), Policy::Drop, 0)["a"], Some(vec![7; 10]));
}

#[test]
fn a_torn_write_keeps_any_subset_of_its_sectors() {
    let mut ops = vec![create(2, "a")];
    ops.extend(sync(1));
    ops.push(write(2, 100, 2_000));
    let disk = disk(&ops);
    let mut lengths = std::collections::BTreeSet::new();
    for seed in 0..200 {
        let bytes = image(&disk, Policy::Torn, seed)["a"].clone().unwrap();
        lengths.insert(bytes.len());
        assert!(bytes.iter().take(100).all(|byte| *byte == 0), "nothing was written there");
        for sector in bytes[100.min(bytes.len())..].chunks(SECTOR) {
            assert!(sector.iter().all(|byte| *byte == 0 || *byte == 7));
        }
    }
    assert!(lengths.contains(&0) && lengths.contains(&512) && lengths.contains(&2_100), "{lengths:?}");
}

#[test]
fn name_changes_survive_in_order() {
    let disk = disk(&[create(2, "a"), create(3, "b"), rename("a", "c")]);
    for seed in 0..100 {
        let image = image(&disk, Policy::Subset, seed);
        let names: Vec<&str> = image.keys().map(String::as_str).collect();
        assert!([&[][..], &["a"], &["a", "b"], &["b", "c"]].contains(&names.as_slice()), "{names:?}");
    }
}

#[test]
fn an_atomically_replaced_file_has_the_old_or_the_new_contents() {
    let mut ops = vec![create(2, "a"), write(2, 0, 10)];
    ops.extend(sync(2));
    ops.extend(sync(1));
    ops.extend([create(3, "a.new"), write(3, 0, 20)]);
    ops.extend(sync(3));
    ops.push(rename("a.new", "a"));
    let disk = disk(&ops);
    for seed in 0..100 {
        let length = image(&disk, Policy::Torn, seed)["a"].as_ref().unwrap().len();
        assert!(length == 10 || length == 20);
    }
}

#[test]
fn a_file_that_moves_between_directories_is_never_missing() {
    let make = |file, path: &str| Op::MakeDir { file, path: path.to_owned() };
    let mut ops = vec![make(2, "x"), make(3, "y"), create(4, "x/a")];
    ops.extend(sync(1));
    ops.extend(sync(2));
    ops.push(rename("x/a", "y/a"));
    let disk = disk(&ops);
    for seed in 0..100 {
        let image = image(&disk, Policy::Subset, seed);
        assert!(image.contains_key("x/a") || image.contains_key("y/a"));
    }
}

#[test]
fn an_image_is_written_to_a_directory_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let image = Image::from([("a".to_owned(), None), ("a/b".to_owned(), Some(vec![1, 2]))]);
    write_image(&image, directory.path()).unwrap();
    assert_eq!(fs::read(directory.path().join("a/b")).unwrap(), [1, 2]);
    assert_eq!(scan(directory.path()).unwrap().len(), 3);
}
