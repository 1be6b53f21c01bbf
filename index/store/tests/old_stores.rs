//! Opens stores written by earlier versions, kept compressed in `old/`. Each was created from the first sixty
//! merchants of the sample, of which one was then deleted and one hidden.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

use std::{
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use nearby_index::{Revision, Visibility};
use nearby_store::{
    Contents, DurableStore, RecoveredState, RecoverySource, Store, StoreOptions, Watermarks, verify,
};
use ruzstd::decoding::StreamingDecoder;

const DELETED: &str = "osm-node-1007416307";
const HIDDEN: &str = "osm-node-1007988735";

/// Unpacks a store or a backup into a temporary directory.
fn unpack(name: &str) -> (tempfile::TempDir, PathBuf) {
    fn copy(from: &Path, to: &Path) {
        if from.is_dir() {
            fs::create_dir_all(to).unwrap();
            for entry in fs::read_dir(from).unwrap() {
                let entry = entry.unwrap();
                copy(&entry.path(), &to.join(entry.file_name()));
            }
        } else {
            let mut bytes = Vec::new();
            let file = fs::File::open(from).unwrap();
            StreamingDecoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
            fs::write(to.with_extension(""), bytes).unwrap();
        }
    }
    let directory = tempfile::tempdir().unwrap();
    let old = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/old").join(name);
    let place = directory.path().join(name);
    copy(&old, &place);
    (directory, place)
}

/// Checks the content, which is the same in all of them.
fn check(state: &RecoveredState) {
    assert_eq!(state.corruption, Vec::<String>::new());
    assert_eq!(state.merchants.len(), 59);
    assert_eq!(state.digest.watermarks, Watermarks { last: Revision(62), deletions_since: Revision(0) });
    let get = |id: &str| state.merchants.iter().find(|stored| stored.merchant.id.as_str() == id);
    assert!(get(DELETED).is_none());
    let hidden = get(HIDDEN).unwrap();
    assert_eq!((hidden.merchant.visibility, hidden.revision), (Visibility::Hidden, Revision(62)));
    assert_eq!(hidden.position_revision, Revision(4), "it has not moved since the import");
    assert_eq!(hidden.merchant.position.latitude_deg(), 60.1729842);
    assert_eq!(hidden.merchant.position.longitude_deg(), 24.9527106);
    let name = hidden.merchant.profile.given().concat();
    assert!(name.windows(7).any(|window| window == b"Soc&Kom"));
    let deletions: Vec<(u64, &str)> =
        state.deletions.iter().map(|(revision, id)| (revision.0, id.as_str())).collect();
    assert_eq!(deletions, [(61, DELETED)]);
    assert_eq!(state.requests.len(), 2, "the deletion and the hiding, each with a request id");
}

/// Opens a store, compacts it into the current format, and opens it again.
fn open_and_migrate(place: &Path) {
    let (mut store, state) = DurableStore::open(place, &StoreOptions::DEFAULT).unwrap();
    check(&state);
    let index = nearby_index::IndexWriter::load(state.merchants, state.digest.watermarks.last);
    let contents = Contents {
        snapshot: index.reader().snapshot(),
        deletions: state.deletions,
        requests: state.requests,
    };
    assert_eq!(store.digest(), state.digest);
    store.compact(contents).unwrap();
    drop(store);
    check(&DurableStore::open(place, &StoreOptions::DEFAULT).unwrap().1);
    assert_eq!(verify(place, &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());
}

/// From before the journal existed: everything in one sled database.
#[test]
fn sled_only_store_is_migrated() {
    let (_directory, place) = unpack("sled-only");
    open_and_migrate(&place);
    assert!(!place.join("sled").exists(), "it was migrated to the current format");
}

/// From the first version with a journal: a base, a snapshot file, and two changes after both.
#[test]
fn store_with_journal_is_migrated() {
    let (_directory, place) = unpack("journal");
    assert_eq!(verify(&place, &StoreOptions::DEFAULT).unwrap().corruption, Vec::<String>::new());
    let (store, state) = DurableStore::open(&place, &StoreOptions::DEFAULT).unwrap();
    // A snapshot file of another version is ignored; the base holds the same.
    assert!(matches!(state.source, RecoverySource::SnapshotFile | RecoverySource::Base));
    check(&state);
    drop(store);
    fs::remove_file(place.join("image")).unwrap();
    open_and_migrate(&place);
}
