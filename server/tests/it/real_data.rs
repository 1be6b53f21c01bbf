//! The two files of real merchants: import, restart, and every merchant around a point in London.
//!
//! The files are not part of the project. `NEARBY_REAL_DATA` names their folder; without it the test says that it was
//! skipped. The independent count is Python's, so that no code is shared.

use std::{
    collections::HashMap,
    fs::File,
    path::{Path, PathBuf},
    process::Command,
};

use crate::support::*;
use nearby_proto::v1 as wire;
use serde_json::Value;

const LONDON: (f64, f64) = (51.53023, -0.08891);

fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("NEARBY_REAL_DATA").map(PathBuf::from);
    if folder.is_none() {
        println!("skipped: NEARBY_REAL_DATA does not name the folder of the real files");
    }
    folder
}

/// What Python's csv module makes of a file.
fn independent_count(file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/independent_count.py");
    let output = run(Command::new("python3").arg(script).arg(file));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn import(server: &Server, file: &Path) -> Value {
    let rejected = server.data_dir.with_file_name("rejected.csv");
    let mut command = nearby();
    command.args(["import", "--json", "--server", &server.url, "--rejected"]).arg(&rejected).arg(file);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rejected_rows = csv::Reader::from_path(rejected).unwrap().records().count() as u64;
    assert_eq!(report["rejected"], rejected_rows, "every rejected row is in the file of them");
    report
}

#[tokio::test]
async fn real_files_import_restart_and_answer() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = Server::start_on(&data_dir, &[]).await;
    for (file, accepted, rejected) in
        [("us_chains_2024.csv.gz", 199_624, 1_691), ("london_food_2020.csv.gz", 57_668, 9_093)]
    {
        let (report, counted) = (import(&server, &data.join(file)), independent_count(&data.join(file)));
        println!("{file}: {report}");
        for key in ["rows", "accepted", "repeated_ids", "rejected", "rejected_by_reason"] {
            assert_eq!(report[key], counted[key], "{file}: {key}");
        }
        assert_eq!((&report["accepted"], &report["rejected"]), (&accepted.into(), &rejected.into()));
        assert_eq!(report["warnings"].get("TIME_ZONE_UNKNOWN"), counted.get("offsets_for_zones"));
    }

    let around = |at: (f64, f64)| wire::SearchNearbyRequest { page_size: 500, ..search(at.0, at.1) };
    let midtown = around((40.74856, -73.99667));
    let mut client = server.searches().await;
    let before =
        (page_through(&mut client, around(LONDON)).await, page_through(&mut client, midtown.clone()).await);
    assert_eq!(server.terminate().code(), Some(0));
    let server = Server::start_on(&data_dir, &[]).await;
    let mut client = server.searches().await;
    let after = (page_through(&mut client, around(LONDON)).await, page_through(&mut client, midtown).await);
    let bits = |results: &[wire::NearbyResult]| -> Vec<(u64, wire::Merchant)> {
        results.iter().map(|r| (r.distance_m.to_bits(), r.merchant.clone().unwrap())).collect()
    };
    assert_eq!(bits(&before.0), bits(&after.0), "the same answer to the bit after a restart");
    assert_eq!(bits(&before.1), bits(&after.1));

    let london = ranking(&after.0);
    let places = places(&data.join("london_food_2020.csv.gz"));
    assert_is_scan(&london, &scan(&places, LONDON, 5_000.0));
    assert_eq!(london.len(), 12_276);
    let by_haversine = places.iter().filter(|(_, at)| haversine_m(LONDON, *at) <= 5_000.0).count();
    assert_eq!(by_haversine, 12_297, "what a sphere says");
    println!("London: {} within 5 km by the geodesic, {by_haversine} by haversine", london.len());
}

/// Ids and positions of the rows that have one.
fn places(file: &Path) -> Vec<(String, (f64, f64))> {
    let text = flate2::read::MultiGzDecoder::new(File::open(file).unwrap());
    let mut places = Vec::new();
    for record in csv::Reader::from_reader(text).deserialize() {
        let row: HashMap<String, String> = record.unwrap();
        if let (Ok(latitude), Ok(longitude)) = (row["lat"].parse(), row["lon"].parse()) {
            places.push((row["id"].clone(), (latitude, longitude)));
        }
    }
    places
}

#[expect(clippy::disallowed_methods, reason = "a rival's formula, for its count only")]
fn haversine_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let h = half(b.0 - a.0) + a.0.to_radians().cos() * b.0.to_radians().cos() * half(b.1 - a.1);
    2.0 * 6_371_008.8 * h.sqrt().asin()
}
