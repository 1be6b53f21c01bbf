//! Stores of earlier versions, whose merchants are normalised again when they are read. They are kept compressed in `old/`.

use std::{
    collections::BTreeMap,
    fs,
    io::Read as _,
    path::{Path, PathBuf},
};

use nearby_proto::v1 as wire;
use ruzstd::decoding::StreamingDecoder;

use crate::support::*;

fn unpack(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            unpack(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        let mut bytes = Vec::new();
        let file = fs::File::open(from).unwrap();
        StreamingDecoder::new(file).unwrap().read_to_end(&mut bytes).unwrap();
        fs::write(to.with_extension(""), bytes).unwrap();
    }
}

fn old_store(name: &str, directory: &Path) -> PathBuf {
    let data_dir = directory.join("data");
    unpack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/old").join(name), &data_dir);
    data_dir
}

/// `gcj02-rectangle`: a version that applied the offset in a rectangle around China imported cities abroad with their true positions,
/// labelled GCJ-02 or BD-09. Six of them are in the base and the snapshot file; Busan is in the journal only.
#[tokio::test]
async fn merchants_outside_the_area_of_gcj02_are_normalised_again() {
    for has_snapshot_file in [true, false] {
        let directory = tempfile::tempdir().unwrap();
        let data_dir = old_store("gcj02-rectangle", directory.path());
        if !has_snapshot_file {
            fs::remove_file(data_dir.join("image")).unwrap();
        }
        let verified = run(nearby().arg("verify").arg(&data_dir));
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
        let server = TestServer::start_on(&data_dir, &[]).await;
        let (mut merchants, mut searches) = (server.merchants().await, server.searches().await);
        // The position as given, the distance of the normalised one from it, and the etag.
        for (id, latitude, longitude, moved_m, etag) in [
            ("beijing-gcj02", 39.905_603, 116.413_642, 555.0, "1"),
            ("seoul-gcj02", 37.5665, 126.978, 0.0, "2"),
            ("taipei-gcj02", 25.033, 121.5654, 0.0, "3"),
            ("hongkong-gcj02", 22.2783, 114.1747, 595.0, "4"),
            ("seoul-bd09", 37.5665, 126.978, 0.0, "5"),
            ("helsinki-wgs84", 60.1699, 24.9384, 0.0, "6"),
            ("busan-gcj02", 35.1796, 129.0756, 0.0, "7"),
        ] {
            let request = wire::GetMerchantRequest { name: format!("merchants/{id}") };
            let merchant = merchants.get_merchant(request).await.unwrap().into_inner();
            let (given, wgs84) = (merchant.position.unwrap(), merchant.wgs84_position.unwrap());
            assert_eq!((given.latitude, given.longitude), (latitude, longitude), "{id}");
            assert_eq!(merchant.etag, etag, "{id}: no change is recorded");
            let from = geodesic_m((latitude, longitude), (wgs84.latitude, wgs84.longitude));
            assert!((from - moved_m).abs() < 2.0, "{id}: {from} m");
            if moved_m == 0.0 {
                assert_eq!((wgs84.latitude, wgs84.longitude), (latitude, longitude), "{id}");
            }
            // The index ranks by the position that is returned.
            let page = searches.search_nearby(search(wgs84.latitude, wgs84.longitude)).await.unwrap();
            let page = page.into_inner();
            let name = format!("merchants/{id}");
            let is_at_origin = |result: &wire::NearbyResult| {
                result.distance_m == 0.0 && result.merchant.as_ref().is_some_and(|it| it.name == name)
            };
            assert!(page.results.iter().any(is_at_origin), "{id}: {page:?}");
        }
        assert_eq!(server.terminate().await.code(), Some(0));
        let verified = run(nearby().arg("verify").arg(&data_dir));
        assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stderr));
    }
}

/// `contract-part-one`: a store with seven merchants, of which two changes are in the journal only, its backup, and its exports.
#[tokio::test]
async fn stores_backups_and_exports_from_before_the_second_part_of_the_contract_open() {
    let directory = tempfile::tempdir().unwrap();
    let old = directory.path().join("old");
    unpack(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/old/contract-part-one"), &old);
    let expected = merchants_of(&fs::read(old.join("export.ndjson")).unwrap());
    assert_eq!(expected.len(), 7);
    let without_snapshot_file = directory.path().join("without-snapshot-file");
    unpack(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/old/contract-part-one/store"),
        &without_snapshot_file,
    );
    fs::remove_file(without_snapshot_file.join("image")).unwrap();
    let restored = directory.path().join("restored");
    succeed(nearby().arg("restore").arg(old.join("nearby.backup")).arg("--data-dir").arg(&restored));
    for data_dir in [old.join("store"), without_snapshot_file, restored] {
        succeed(nearby().arg("verify").arg(&data_dir));
        let server = TestServer::start_on(&data_dir, &[]).await;
        assert_eq!(export(&server, directory.path()), expected, "{}", data_dir.display());
        assert_eq!(server.terminate().await.code(), Some(0));
    }
    for (file, is_complete) in [("export.ndjson", true), ("export.geojson", true), ("export.csv", false)] {
        let server = TestServer::start().await;
        succeed(nearby().arg("import").arg(old.join(file)).arg("--server").arg(&server.url));
        let comparable = |merchants: &[wire::Merchant]| -> Vec<wire::Merchant> {
            merchants.iter().cloned().map(|merchant| without_commit(merchant, is_complete)).collect()
        };
        assert_eq!(comparable(&export(&server, directory.path())), comparable(&expected), "{file}");
    }
}

/// Removes what a commit decides and, unless the file is complete, what CSV leaves out.
fn without_commit(merchant: wire::Merchant, is_complete: bool) -> wire::Merchant {
    let decided = wire::Merchant { etag: String::new(), create_time: None, update_time: None, ..merchant };
    if is_complete {
        return decided;
    }
    wire::Merchant {
        photos: Vec::new(),
        labels: BTreeMap::new(),
        external_ids: Vec::new(),
        source: String::new(),
        opening_hours: decided.opening_hours.filter(|hours| !hours.osm_expression.is_empty()),
        ..decided
    }
}

fn export(server: &TestServer, directory: &Path) -> Vec<wire::Merchant> {
    let file = directory.join("now.ndjson");
    drop(fs::remove_file(&file));
    succeed(nearby().arg("export").arg(&file).arg("--server").arg(&server.url));
    merchants_of(&fs::read(&file).unwrap())
}

fn merchants_of(ndjson: &[u8]) -> Vec<wire::Merchant> {
    let lines = std::str::from_utf8(ndjson).unwrap().lines();
    lines.map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn succeed(command: &mut std::process::Command) {
    let output = run(command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
