//! Two files of real merchants: import, restart, and all merchants around a point in London.
//!
//! The files are not part of the repository. `NEARBY_REAL_DATA` names their directory; without it the test is skipped with a
//! message. A Python script counts independently, so that no code is shared.

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
    let directory = std::env::var_os("NEARBY_REAL_DATA").map(PathBuf::from);
    if directory.is_none() {
        println!("skipped: set NEARBY_REAL_DATA to the directory of the real files");
    }
    directory
}

/// Returns the report of a file according to Python's csv module.
fn independent_count(file: &Path) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/independent_count.py");
    let output = run(Command::new("python3").arg(script).arg(file));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn import(server: &TestServer, file: &Path) -> Value {
    let rejected = server.data_dir.with_file_name("rejected.csv");
    let mut command = nearby();
    command.args(["import", "--json", "--server", &server.url, "--rejected"]).arg(&rejected).arg(file);
    let output = run(&mut command);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let rejected_rows = csv::Reader::from_path(rejected).unwrap().records().count() as u64;
    assert_eq!(report["rejected"], rejected_rows, "the file of rejected rows has each of them");
    report
}

#[tokio::test]
async fn searches_of_real_data_equal_a_linear_scan_before_and_after_a_restart() {
    let Some(data) = data() else { return };
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
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
    assert_eq!(server.terminate().await.code(), Some(0));
    let server = TestServer::start_on(&data_dir, &[]).await;
    let mut client = server.searches().await;
    let after = (page_through(&mut client, around(LONDON)).await, page_through(&mut client, midtown).await);
    let bits = |results: &[wire::NearbyResult]| -> Vec<(u64, wire::Merchant)> {
        results.iter().map(|r| (r.distance_m.to_bits(), r.merchant.clone().unwrap())).collect()
    };
    assert_eq!(bits(&before.0), bits(&after.0), "the same results after a restart, bit for bit");
    assert_eq!(bits(&before.1), bits(&after.1));

    let london = ranking(&after.0);
    let positions = positions(&data.join("london_food_2020.csv.gz"));
    assert_is_scan(&london, &scan(&positions, LONDON, 5_000.0));
    assert_eq!(london.len(), 12_276);
    let by_haversine = positions.iter().filter(|(_, at)| haversine_m(LONDON, *at) <= 5_000.0).count();
    assert_eq!(by_haversine, 12_297, "the count on a sphere");
    println!("London: {} within 5 km by geodesic distance, {by_haversine} by haversine", london.len());
}

/// Reads the ids and positions of the rows with a position.
fn positions(file: &Path) -> Vec<(String, (f64, f64))> {
    let text = flate2::read::MultiGzDecoder::new(File::open(file).unwrap());
    let mut positions = Vec::new();
    for record in csv::Reader::from_reader(text).deserialize() {
        let row: HashMap<String, String> = record.unwrap();
        if let (Ok(latitude), Ok(longitude)) = (row["lat"].parse(), row["lon"].parse()) {
            positions.push((row["id"].clone(), (latitude, longitude)));
        }
    }
    positions
}

#[expect(clippy::disallowed_methods, reason = "the haversine formula is counted for comparison only")]
fn haversine_m(a: (f64, f64), b: (f64, f64)) -> f64 {
    let half = |degrees: f64| (degrees.to_radians() / 2.0).sin().powi(2);
    let h = half(b.0 - a.0) + a.0.to_radians().cos() * b.0.to_radians().cos() * half(b.1 - a.1);
    2.0 * 6_371_008.8 * h.sqrt().asin()
}
