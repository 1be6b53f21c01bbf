//! `nearby demo --once`: the sample, searched over real gRPC, against a linear scan of the sample's file.

use std::path::Path;

use crate::support::*;
use nearby_proto::v1 as wire;

#[test]
fn demo_once_answers_as_the_scan_of_its_sample_does() {
    let output = run(nearby().args(["demo", "--once", "--json"]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<wire::NearbyResult> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/helsinki.csv");
    let mut places = Vec::new();
    for record in csv::Reader::from_path(sample).unwrap().deserialize() {
        let row: std::collections::HashMap<String, String> = record.unwrap();
        places.push((row["id"].clone(), (row["lat"].parse().unwrap(), row["lon"].parse().unwrap())));
    }
    let scan = scan(&places, (60.1719, 24.9414), 5_000.0);
    assert!(scan.len() > 1_000 && results.len() == 10);
    assert_is_scan(&ranking(&results), &scan[..10]);
}
