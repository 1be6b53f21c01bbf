//! Files that real importers stumble over: `tests/cases`, whose README describes each.

use std::{collections::BTreeMap, fs, path::PathBuf};

use nearby_proto::v1 as wire;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::*;

/// An import of a file into a new store.
struct Imported {
    directory: TempDir,
    code: Option<i32>,
    report: Value,
    stderr: String,
    /// Merchants in the store, by id.
    stored: BTreeMap<String, wire::Merchant>,
    /// Row and reason of each rejected row, in the order of the file of rejected rows.
    rejected: Vec<(u64, String)>,
    /// Bytes of that file.
    rejected_file: Vec<u8>,
}

fn import(name: &str, flags: &[&str]) -> Imported {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join(name);
    let case = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/cases").join(name);
    fs::copy(case, &file).unwrap();
    let rejected_path = directory.path().join("rejected");
    let store = directory.path().join("store");
    let mut command = nearby();
    command.arg("import").arg(&file).args(["--json", "--rejected"]).arg(&rejected_path);
    let output = run(command.args(flags).arg("--data-dir").arg(&store));
    let mut stored = BTreeMap::new();
    if store.exists() {
        let export = run(nearby().args(["export", "-", "--data-dir"]).arg(&store));
        for line in String::from_utf8(export.stdout).unwrap().lines() {
            let merchant: wire::Merchant = serde_json::from_str(line).unwrap();
            stored.insert(merchant.name.replace("merchants/", ""), merchant);
        }
    }
    let rejected_file = fs::read(&rejected_path).unwrap_or_default();
    let reasons_path = directory.path().join("rejected.reasons.csv");
    let rejected = if reasons_path.exists() {
        let mut reasons = csv::Reader::from_path(reasons_path).unwrap();
        reasons
            .records()
            .map(Result::unwrap)
            .map(|row| (row[1].parse().unwrap(), row[2].to_owned()))
            .collect()
    } else {
        reasons_in_rows(&rejected_file)
    };
    Imported {
        directory,
        code: output.status.code(),
        report: serde_json::from_slice(&output.stdout).unwrap_or_default(),
        stderr: String::from_utf8(output.stderr).unwrap(),
        stored,
        rejected,
        rejected_file,
    }
}

/// Reads the last column of rejected rows, `REASON field: description (line 4)`.
fn reasons_in_rows(file: &[u8]) -> Vec<(u64, String)> {
    let text: String = file.iter().filter(|byte| **byte != 0).map(|byte| char::from(*byte)).collect();
    let reasons = text.split(" (line ").zip(text.split(" (line ").skip(1));
    reasons
        .map(|(before, after)| {
            let reason = before.rsplit(['"', '\n']).next().unwrap();
            let line = after.split(')').next().unwrap();
            (line.parse().unwrap(), reason.split([' ', ':']).next().unwrap().to_owned())
        })
        .collect()
}

impl Imported {
    fn counts(&self) -> (u64, u64) {
        (self.report["rows"].as_u64().unwrap(), self.report["accepted"].as_u64().unwrap())
    }

    fn warning(&self, code: &str) -> u64 {
        self.report["warnings"][code].as_u64().unwrap_or_default()
    }

    fn ignored(&self) -> Vec<&str> {
        self.report["ignored_columns"].as_array().unwrap().iter().map(|name| name.as_str().unwrap()).collect()
    }

    fn names(&self) -> Vec<&str> {
        self.stored.values().map(|merchant| merchant.display_name.as_str()).collect()
    }

    fn ids(&self) -> Vec<&str> {
        self.stored.keys().map(String::as_str).collect()
    }

    fn position(&self, id: &str) -> (f64, f64) {
        let position = self.stored[id].position.unwrap();
        (position.latitude, position.longitude)
    }
}

/// File, flags, rows, accepted rows, and the rejected rows with their reasons.
type Case = (&'static str, &'static [&'static str], u64, u64, &'static [(u64, &'static str)]);

const CASES: &[Case] = &[
    ("lf.csv", &[], 5, 3, &[(4, "LATITUDE_OUT_OF_RANGE"), (6, "REQUIRED")]),
    ("crlf.csv", &[], 5, 3, &[(4, "LATITUDE_OUT_OF_RANGE"), (6, "REQUIRED")]),
    ("cr-only.csv", &[], 5, 3, &[(4, "LATITUDE_OUT_OF_RANGE"), (6, "REQUIRED")]),
    ("blank-lines.csv", &[], 2, 1, &[(6, "LATITUDE_OUT_OF_RANGE")]),
    ("semicolon.csv", &[], 1, 1, &[]),
    ("tab.csv", &[], 1, 1, &[]),
    ("sep.csv", &[], 1, 1, &[]),
    ("excel-trailing.csv", &[], 3, 3, &[]),
    ("utf16le.csv", &[], 2, 2, &[]),
    ("gbk.csv", &[], 2, 1, &[(2, "NOT_UTF_8")]),
    ("gbk.csv", &["--encoding", "gbk"], 2, 2, &[]),
    ("latin1.csv", &[], 2, 1, &[(2, "NOT_UTF_8")]),
    ("latin1.csv", &["--encoding", "windows-1252"], 2, 2, &[]),
    ("mid-invalid.csv", &[], 3, 2, &[(3, "NOT_UTF_8")]),
    ("arrays.geojson", &[], 2, 2, &[]),
    ("atp-one.geojson", &[], 1, 1, &[]),
    ("atp-one.csv", &[], 1, 1, &[]),
    (
        "atp.geojson",
        &[],
        12,
        3,
        &[
            (2, "POSITION_MISSING"),
            (3, "POSITION_MISSING"),
            (4, "POSITION_MISSING"),
            (5, "NOT_A_FEATURE"),
            (6, "REQUIRED"),
            (7, "NOT_A_FEATURE"),
            (8, "REQUIRED"),
            (9, "REQUIRED"),
            (10, "REQUIRED"),
        ],
    ),
    (
        "atp.geojson",
        &["--map", "id=ref", "--map", "name=name", "--map", "name=brand"],
        12,
        7,
        &[
            (2, "POSITION_MISSING"),
            (3, "POSITION_MISSING"),
            (4, "POSITION_MISSING"),
            (5, "NOT_A_FEATURE"),
            (7, "NOT_A_FEATURE"),
        ],
    ),
    ("overpass.geojson", &[], 2, 2, &[]),
    ("nd.geojson", &[], 3, 3, &[]),
    ("rs.geojson", &[], 3, 3, &[]),
    ("single-feature.geojson", &[], 1, 1, &[]),
    ("bom.geojson", &[], 1, 1, &[]),
    (
        "bigids.geojson",
        &[],
        10,
        7,
        &[(6, "NOT_A_MERCHANT"), (8, "NOT_A_POINT"), (9, "LONGITUDE_OUT_OF_RANGE")],
    ),
    ("latin.geojson", &[], 1, 0, &[(1, "NOT_UTF_8")]),
    ("latin.geojson", &["--encoding", "windows-1252"], 1, 1, &[]),
    ("nan.geojson", &[], 2, 1, &[(2, "NOT_A_FEATURE")]),
    ("app.csv", &[], 1, 1, &[]),
    ("full.ndjson", &[], 2, 2, &[]),
    ("special.ndjson", &[], 1, 1, &[]),
    (
        "decimal-comma.csv",
        &[],
        25,
        13,
        &[
            (11, "NOT_A_NUMBER"),
            (12, "NOT_A_NUMBER"),
            (13, "NOT_A_NUMBER"),
            (14, "POSITION_MISSING"),
            (15, "NOT_A_NUMBER"),
            (17, "LATITUDE_OUT_OF_RANGE"),
            (18, "NULL_ISLAND"),
            (19, "NULL_ISLAND"),
            (20, "NOT_A_NUMBER"),
            (22, "LONGITUDE_OUT_OF_RANGE"),
            (23, "LATITUDE_OUT_OF_RANGE"),
            (26, "NOT_A_NUMBER"),
        ],
    ),
    ("website.csv", &[], 9, 9, &[]),
    ("tz.csv", &[], 34, 34, &[]),
    ("ids.csv", &[], 12, 9, &[(2, "INVALID_ID"), (6, "INVALID_ID"), (9, "INVALID_ID")]),
    ("names.csv", &[], 10, 7, &[(2, "REQUIRED"), (5, "TOO_LONG"), (11, "REQUIRED")]),
    ("nfc.csv", &[], 2, 2, &[]),
];

#[test]
fn rows_are_counted_and_rejected_with_their_line_in_the_order_of_the_file() {
    for (name, flags, rows, accepted, rejected) in CASES {
        let imported = import(name, flags);
        assert_eq!(imported.counts(), (*rows, *accepted), "{name}: {}", imported.report);
        let expected: Vec<(u64, String)> =
            rejected.iter().map(|(row, reason)| (*row, (*reason).to_owned())).collect();
        assert_eq!(imported.rejected, expected, "{name} {flags:?}");
        assert_eq!(imported.stored.len() as u64, *accepted, "{name}: {:?}", imported.ids());
        assert_eq!(imported.code, Some(if *accepted == 0 { 65 } else { 0 }), "{name}: {}", imported.stderr);
    }
}

#[test]
fn files_that_cannot_be_read_say_why() {
    for (name, said, stored) in [
        ("unclosed-last.csv", "1 row stored; it is safe to run the import again: line 3: a quote opens", 1),
        ("crs3857.geojson", "has the coordinate system urn:ogc:def:crs:EPSG::3857", 0),
        ("zip-disguised.csv", "is an Excel workbook (.xlsx): save the sheet as CSV", 0),
    ] {
        let imported = import(name, &[]);
        assert_eq!((imported.code, imported.stored.len()), (Some(65), stored), "{name}: {}", imported.stderr);
        assert!(imported.stderr.contains(said), "{name}: {}", imported.stderr);
    }
}

#[test]
fn encodings_are_decoded_and_rejected_rows_keep_their_bytes() {
    assert_eq!(import("utf16le.csv", &[]).names(), ["Café Zürich", "Plain"]);
    assert_eq!(import("latin1.csv", &["--encoding", "latin1"]).names(), ["Café Zürich", "Plain"]);
    assert_eq!(import("gbk.csv", &["--encoding", "GBK"]).names(), ["星巴克咖啡", "Plain"]);
    assert_eq!(import("latin.geojson", &["--encoding", "latin1"]).names(), ["Café"]);
    for (name, row) in [
        ("gbk.csv", &b"k1,\xd0\xc7\xb0\xcd\xbf\xcb\xbf\xa7\xb7\xc8,31.23,121.47,"[..]),
        ("mid-invalid.csv", b"m2,Bad\xff\xfe,60.17,24.94,"),
    ] {
        let file = import(name, &[]).rejected_file;
        assert!(file.windows(row.len()).any(|window| window == row), "{name}: {file:?}");
    }
}

#[test]
fn positions_are_read_as_they_are_spelt() {
    let imported = import("decimal-comma.csv", &[]);
    for id in ["d1", "d3", "d4", "d5", "d6", "d7", "d8", "d20", "d24"] {
        assert_eq!(imported.position(id), (60.17, 24.94), "{id}");
    }
    let (latitude, longitude) = imported.position("d2");
    assert!((latitude - 60.17).abs() < 1e-12 && (longitude - 24.94).abs() < 1e-12);
    assert_eq!(imported.position("d9"), (-60.17, 24.94));
    assert_eq!(import("semicolon.csv", &[]).position("s1"), (60.17, 24.94));
    let text = String::from_utf8(imported.rejected_file).unwrap();
    for said in ["'n' (U+006E)", "'x' (U+0078)", "'_' (U+005F)"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn properties_of_geojson_are_read_or_listed() {
    let arrays = import("arrays.geojson", &[]);
    let shop = &arrays.stored["o1"];
    assert_eq!(
        (&shop.categories[..], &shop.services[..]),
        (&["cafe", "bakery"].map(str::to_owned)[..], &["delivery".to_owned()][..])
    );
    assert_eq!((shop.phone.as_str(), shop.visibility()), ("3580000", wire::Visibility::Hidden));
    assert_eq!(shop.address.as_ref().unwrap().address_lines, ["Esimerkkikatu 5"]);
    assert_eq!(arrays.stored["o2"].categories, ["cafe", "bakery"]);
    assert_eq!(arrays.ignored(), ["hidden"]);

    for name in ["atp-one.geojson", "atp-one.csv"] {
        let flags = ["--map", "id=example-{ref}", "--map", "address=addr:full", "--map", "city=addr:city"];
        let imported = import(name, &flags);
        let shop = &imported.stored["example-100"];
        let address = shop.address.as_ref().unwrap();
        assert_eq!((address.locality.as_str(), address.address_lines.len()), ("Helsinki", 1), "{name}");
        let ignored = imported.ignored();
        for listed in ["@spider", "brand:wikidata", "amenity", "addr:street_address", "nsi_id"] {
            assert!(ignored.contains(&listed), "{name}: {ignored:?}");
        }
        assert!(!ignored.contains(&"ref") && !ignored.contains(&"addr:city"), "{name}: {ignored:?}");
    }

    let overpass = import("overpass.geojson", &[]);
    assert_eq!(overpass.ids(), ["node-101", "way-202"]);
    let (latitude, longitude) = overpass.position("way-202");
    // Within the triangle: north of its southern side, south of its hypotenuse.
    let (up, right) = ((latitude - 60.17) / 0.001, (longitude - 24.95) / 0.001);
    assert!(up > 0.0 && right < 1.0 && up < right, "{latitude} {longitude}");

    let bigids = import("bigids.geojson", &[]);
    let ids =
        ["1.0", "100000000000000000001", "100000000000000000002", "18446744073709551615", "7", "g2", "g5"];
    assert_eq!(bigids.ids(), ids);
    assert_eq!(bigids.stored["100000000000000000001"].phone, "358401234567890123456");
    assert_eq!(bigids.position("g2"), (60.18, 24.95), "the point, not the properties");
    assert_eq!(bigids.ignored(), ["id", "lat", "lon", "Lat"]);
}

#[test]
fn websites_and_time_zones_do_not_reject_a_shop() {
    let imported = import("website.csv", &[]);
    let websites: Vec<&str> =
        imported.stored.values().map(|merchant| merchant.website_uri.as_str()).collect();
    let expected =
        ["https://example.test", "https://www.example.test", "", "", "https://a.test", "", "", "", ""];
    assert_eq!(websites, expected);
    let warnings = ["WEBSITE_SCHEME_ADDED", "WEBSITE_DROPPED", "WEBSITE_FIRST_OF_SEVERAL"];
    assert_eq!(warnings.map(|code| imported.warning(code)), [1, 6, 1]);

    let imported = import("tz.csv", &[]);
    let zone = |id: &str| imported.stored[id].opening_hours.as_ref().unwrap().time_zone.clone();
    for (id, expected) in [
        ("tz1", "Europe/Kiev"),
        ("tz16", "EST"),
        ("tz19", "PRC"),
        ("tz22", "Europe/Helsinki"),
        ("tz23", "Europe/Helsinki"),
        ("tz26", "America/Los_Angeles"),
        ("tz27", "Asia/Shanghai"),
        ("tz28", "Europe/Helsinki"),
        ("tz32", "Asia/Shanghai"),
        ("tz33", "Asia/Shanghai"),
    ] {
        assert_eq!(zone(id), expected, "{id}");
    }
    // Without a known zone, hours are in the zone at the position.
    for id in ["tz15", "tz20", "tz24", "tz25", "tz29"] {
        assert_eq!(zone(id), "Europe/Helsinki", "{id}");
    }
    assert_eq!(imported.warning("TIME_ZONE_UNKNOWN"), 5);
}

/// The client tests compare the states of these expressions with those of opening_hours.js.
#[test]
fn hours_are_kept_as_expressions_and_those_that_say_nothing_as_text() {
    let imported = import("hours.csv", &[]);
    assert_eq!(imported.stored.len(), 104);
    let without: Vec<&str> = imported
        .stored
        .iter()
        .filter(|(_, merchant)| merchant.opening_hours.as_ref().unwrap().osm_expression.is_empty())
        .map(|(id, _)| id.as_str())
        .collect();
    // `Su-PH off`, times from 24:00 on, intervals and points in time.
    assert_eq!(without, ["h018", "h085", "h086", "h101", "h102", "h103"]);
    assert_eq!(imported.warning("HOURS_NOT_UNDERSTOOD"), 6);
    // Finland's school holidays are not in the calendar.
    assert_eq!(imported.warning("SCHOOL_HOLIDAYS_UNKNOWN"), 5);
    let chinese = imported.stored["h091"].opening_hours.as_ref().unwrap();
    assert_eq!(
        (chinese.osm_expression.as_str(), chinese.display_text.as_str()),
        ("Mo-Su 09:00-22:00", "周一至周日 09:00-22:00")
    );
}

#[test]
fn lookalike_and_invisible_characters_are_reported() {
    let imported = import("ids.csv", &[]);
    assert_eq!(
        imported.warning("ID_HAS_INVISIBLE_CHARACTERS"),
        4,
        "ids are not altered: {:?}",
        imported.ids()
    );
    assert!(imported.stored.contains_key("\u{feff}bom") && imported.stored.contains_key("%2e%2e"));
    let imported = import("nfc.csv", &[]);
    assert_eq!(imported.warning("ID_DIFFERS_ONLY_IN_COMPOSITION"), 1);
    let imported = import("names.csv", &[]);
    assert_eq!(imported.stored["nm5"].display_name, "=cmd|' /C calc'!A0");
    assert_eq!(import("app.csv", &[]).warning("APP_PATH_WITHOUT_APP_ID"), 1);
    let special = import("special.ndjson", &[]);
    let hours = special.stored["sp"].opening_hours.as_ref().unwrap();
    assert_eq!((hours.special_days[0].periods[0].start_minute, hours.weekly_periods.len()), (720, 2));
}

/// A merchant without the fields that a commit sets.
fn given(merchant: &wire::Merchant) -> wire::Merchant {
    wire::Merchant { etag: String::new(), create_time: None, update_time: None, ..merchant.clone() }
}

#[test]
fn a_csv_export_says_what_it_leaves_out_and_its_import_keeps_it() {
    let imported = import("full.ndjson", &[]);
    let before: Vec<wire::Merchant> = imported.stored.values().map(given).collect();
    assert_eq!(before[0].photos.len(), 1);
    let path = |name: &str| imported.directory.path().join(name);
    let on = |store: &str, arguments: &[&str]| {
        let output = run(nearby().args(arguments).arg("--data-dir").arg(path(store)));
        assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
        (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let table = path("all.csv");
    let table = table.to_str().unwrap();
    let (_, stderr) = on("store", &["export", table]);
    let said = "photos of 1 merchant, labels of 1 merchant, external ids of 1 merchant, opening hours that their text \
                does not state of 2 merchants";
    assert!(stderr.contains(said), "{stderr}");
    assert!(fs::read_to_string(table).unwrap().contains(",'=1+1,"), "a formula is marked");

    let merchants = |store: &str| -> Vec<wire::Merchant> {
        let (lines, _) = on(store, &["export", "-"]);
        lines.lines().map(|line| given(&serde_json::from_str(line).unwrap())).collect()
    };
    on("store", &["import", table]);
    assert_eq!(merchants("store"), before, "nothing is wiped");

    on("new", &["import", table]);
    let expected: Vec<wire::Merchant> = before
        .iter()
        .map(|merchant| wire::Merchant {
            photos: Vec::new(),
            labels: Default::default(),
            external_ids: Vec::new(),
            opening_hours: None,
            ..merchant.clone()
        })
        .collect();
    assert_eq!(merchants("new"), expected, "the rest is in the file");

    on("store", &["import", table, "--replace-fields"]);
    assert_eq!(merchants("store"), expected, "on request the merchant is replaced");
    on("store", &["export", table, "--no-formula-escapes"]);
    assert!(fs::read_to_string(table).unwrap().contains(",=1+1,"));
}

#[test]
fn rejected_rows_can_be_corrected_and_imported() {
    let imported = import("utf16le.csv", &[]);
    assert!(
        imported.rejected_file.starts_with(b"\xff\xfe"),
        "a named file is written even if it has no rows"
    );
    for (name, wrong, right) in [
        ("crlf.csv", &b"960.17"[..], &b"60.17"[..]),
        ("cr-only.csv", b"960.17", b"60.17"),
        ("blank-lines.csv", b"960", b"60.1"),
        ("bigids.geojson", b"200.5", b"20.5"),
    ] {
        let imported = import(name, &[]);
        let extension = name.rsplit('.').next().unwrap();
        let corrected = imported.directory.path().join(format!("corrected.{extension}"));
        let at = imported.rejected_file.windows(wrong.len()).position(|window| window == wrong).unwrap();
        let (before, after) = imported.rejected_file.split_at(at);
        fs::write(&corrected, [before, right, &after[wrong.len()..]].concat()).unwrap();
        let store = imported.directory.path().join("store");
        let rejected = imported.directory.path().join("again");
        let mut command = nearby();
        command.args(["import", "--json"]).arg(&corrected).arg("--rejected").arg(&rejected);
        let output = run(command.arg("--data-dir").arg(&store));
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["accepted"], 1, "{name}: {report}");
        assert_eq!(report["rows"].as_u64().unwrap(), imported.rejected.len() as u64, "{name}: {report}");
        assert!(
            !report["ignored_columns"].as_array().unwrap().contains(&"reason".into()),
            "{name}: {report}"
        );
        if extension == "csv" {
            // A row that is rejected again has one reason.
            let again = fs::read(&rejected).unwrap();
            let count = |text: &[u8]| reasons_in_rows(text).len();
            assert_eq!(count(&again) + 1, count(&imported.rejected_file), "{name}");
            assert_eq!(
                again.split(|byte| matches!(byte, b'\n' | b'\r')).next().unwrap(),
                b"id,name,lat,lon,reason"
            );
        }
    }
}
