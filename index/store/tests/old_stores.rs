//! Stores that earlier versions wrote, byte for byte, opened by this one. Each was made of the first sixty places of the
//! sample, of which one was deleted then and one hidden; `old/` has their files, compressed.

#![allow(clippy::unwrap_used, reason = "a test may")]

use std::{
    fs,
    path::{Path, PathBuf},
};

use nearby_index::{Revision, Visibility};
use nearby_store::{Content, DurableStore, Extent, Loaded, Opening, Source, Store, verify};

const DELETED: &str = "osm-node-1007416307";
const HIDDEN: &str = "osm-node-1007988735";

/// Unpacks a store, or a backup, into a directory of its own.
fn unpack(name: &str) -> (tempfile::TempDir, PathBuf) {
    fn copy(from: &Path, to: &Path) {
        if from.is_dir() {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        } else {
            let bytes = zstd::decode_all(fs::File::open(from).unwrap()).unwrap();
            fs::write(to.with_extension(""), bytes).unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old").join(name);
    let place = directory.path().join(name);
    copy(&old, &place);
    (directory, place)
}

/// What all of them hold.
fn check(loaded: &Loaded) {
    assert_eq!(loaded.faults, Vec::<String>::new());
    assert_eq!(loaded.merchants.len(), 59);
    assert_eq!(loaded.tally.extent, Extent { last: Revision(62), deletions_since: Revision(0) });
    let get = |id: &str| loaded.merchants.iter().find(|stored| stored.merchant.id.as_str() == id);
    assert!(get(DELETED).is_none());
    let hidden = get(HIDDEN).unwrap();
    assert_eq!((hidden.merchant.visibility, hidden.revision), (Visibility::Hidden, Revision(62)));
    assert_eq!(hidden.position_revision, Revision(4), "it has not moved since the import");
    assert_eq!(hidden.merchant.position.latitude_deg(), 60.1729842);
    assert_eq!(hidden.merchant.position.longitude_deg(), 24.9527106);
    let name = hidden.merchant.profile.given().concat();
    assert!(name.windows(7).any(|window| window == b"Soc&Kom"));
    let deletions: Vec<(u64, &str)> =
        loaded.deletions.iter().map(|(revision, id)| (revision.0, id.as_str())).collect();
    assert_eq!(deletions, [(61, DELETED)]);
    assert_eq!(loaded.requests.len(), 2, "the deletion and the hiding, each with a number of its own");
}

/// Opened, compacted into a store of this version, and opened again.
fn opens_and_becomes_new(place: &Path) {
    let (mut store, loaded) = DurableStore::open(place, &Opening::PLAIN).unwrap();
    check(&loaded);
    let index = nearby_index::IndexWriter::load(loaded.merchants, loaded.tally.extent.last);
    let content = Content {
        snapshot: index.reader().snapshot(),
        deletions: loaded.deletions,
        requests: loaded.requests,
    };
    assert_eq!(store.tally(), loaded.tally);
    store.compact(content).unwrap();
    drop(store);
    check(&DurableStore::open(place, &Opening::PLAIN).unwrap().1);
    assert_eq!(verify(place, &Opening::PLAIN).unwrap().faults, Vec::<String>::new());
}

/// Of before the journal: all of it in one sled database.
#[test]
fn a_store_of_sled_alone() {
    let (_directory, place) = unpack("sled-only");
    opens_and_becomes_new(&place);
    assert!(!place.join("sled").exists(), "it has become a base of this version");
}

/// Of the version that brought the journal: with a base, an image, and two changes after both.
#[test]
fn a_store_with_a_journal() {
    let (_directory, place) = unpack("journal");
    assert_eq!(verify(&place, &Opening::PLAIN).unwrap().faults, Vec::<String>::new());
    let (store, loaded) = DurableStore::open(&place, &Opening::PLAIN).unwrap();
    // An image of another version is none: then the base says the same.
    assert!(matches!(loaded.source, Source::Image | Source::Base));
    check(&loaded);
    drop(store);
    fs::remove_file(place.join("image")).unwrap();
    opens_and_becomes_new(&place);
}
