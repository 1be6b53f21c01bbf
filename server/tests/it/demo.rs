//! `nearby demo --once`: a search of the sample over gRPC, compared with a linear scan of its file.

use std::path::Path;

use crate::support::*;
use nearby_proto::v1 as wire;

#[test]
fn demo_once_returns_the_results_of_a_linear_scan() {
    let output = run(nearby().args(["demo", "--once", "--json"]));
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    let results: Vec<wire::NearbyResult> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/helsinki.csv");
    let mut positions = Vec::new();
    for record in csv::Reader::from_path(sample).unwrap().deserialize() {
        let row: std::collections::HashMap<String, String> = record.unwrap();
        positions.push((row["id"].clone(), (row["lat"].parse().unwrap(), row["lon"].parse().unwrap())));
    }
    let scan = scan(&positions, (60.1719, 24.9414), 5_000.0);
    assert!(scan.len() > 1_000 && results.len() == 10);
    assert_is_scan(&ranking(&results), &scan[..10]);
}
