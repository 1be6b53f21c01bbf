//! `nearby import --replace` and `--dry-run`.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::support::*;

/// Runs a command on the store `store` in a directory.
fn on_store(directory: &Path, arguments: &[&str]) -> Output {
    run(nearby().current_dir(directory).args(arguments).args(["--data-dir", "store"]))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// Writes a CSV file and imports it. Returns the exit code, the report and what is on standard error.
fn import(directory: &Path, rows: &[&str], flags: &[&str]) -> (i32, Value, String) {
    let header = "id,name,lat,lon,visibility\n";
    fs::write(directory.join("shops.csv"), format!("{header}{}\n", rows.join("\n"))).unwrap();
    let output = on_store(directory, &[&["import", "shops.csv", "--json"], flags].concat());
    let report = serde_json::from_slice(&output.stdout).unwrap_or_default();
    (output.status.code().unwrap(), report, text(&output.stderr))
}

/// The ids and visibilities of all stored merchants.
fn stored(directory: &Path) -> Vec<(String, String)> {
    let exported = on_store(directory, &["export", "-", "--format", "ndjson"]);
    let lines = text(&exported.stdout);
    let merchant = |line: &str| {
        let merchant: Value = serde_json::from_str(line).unwrap();
        let field = |name: &str| merchant[name].as_str().unwrap().to_owned();
        let short = |text: &str, prefix: &str| text.strip_prefix(prefix).unwrap().to_lowercase();
        (short(&field("name"), "merchants/"), short(&field("visibility"), "VISIBILITY_"))
    };
    lines.lines().map(merchant).collect()
}

fn visibility_of(directory: &Path, id: &str) -> Option<String> {
    stored(directory).into_iter().find_map(|(other, visibility)| (other == id).then_some(visibility))
}

const FEED: &[&str] = &["--source", "feed", "--replace"];

fn missing(report: &Value) -> (&Value, &Value, &Value) {
    let missing = &report["missing"];
    (&missing["merchants"], &missing["missing"], &missing["removed"])
}

#[test]
fn merchants_that_a_source_lacks_are_hidden_until_it_has_them_again() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let all = ["a,A,60,24,", "b,B,60,24,", "c,C,60,24,", "d,D,60,24,", "h,H,60,24,hidden"];
    import(directory, &["x,X,60,24,"], &["--source", "other"]);
    import(directory, &["y,Y,60,24,"], &[]);
    let (code, report, _) = import(directory, &all, FEED);
    assert_eq!((code, missing(&report)), (0, (&json!(0), &json!(0), &json!(0))), "the source is new");

    // B is closed, C is rejected, D has moved to another source, and H stays hidden.
    import(directory, &["d,D,60,24,"], &["--source", "other"]);
    let limit = [FEED, &["--max-removed", "100"]].concat();
    let (code, report, errors) = import(directory, &["a,A,60,24,", "c,C,960,24,"], &limit);
    assert_eq!((code, missing(&report)), (0, (&json!(3), &json!(1), &json!(1))), "{errors}");
    let ids_and = |b: &str| {
        let expected = [("a", "visible"), ("b", b), ("c", "visible"), ("d", "visible"), ("h", "hidden")];
        let others = [("x", "visible"), ("y", "visible")];
        let owned = |(id, visibility): (&str, &str)| (id.to_owned(), visibility.to_owned());
        expected.into_iter().chain(others).map(owned).collect::<Vec<_>>()
    };
    assert_eq!(stored(directory), ids_and("missing"));
    let found = on_store(directory, &["search", "--at", "60,24", "--json", "--source", "feed"]);
    assert!(!text(&found.stdout).contains("merchants/b\""), "{}", text(&found.stdout));

    let (code, report, _) = import(directory, &all, FEED);
    assert_eq!((code, missing(&report).1), (0, &json!(0)));
    assert_eq!(stored(directory), ids_and("visible"), "D belongs to the feed again");
}

#[test]
fn too_many_missing_merchants_and_unreadable_ids_remove_none() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let rows: Vec<String> = (0..20).map(|n| format!("m{n:02},M,60,24,")).collect();
    let rows: Vec<&str> = rows.iter().map(String::as_str).collect();
    import(directory, &rows, FEED);
    let (code, report, errors) = import(directory, &rows[3..], FEED);
    assert_eq!((code, missing(&report)), (65, (&json!(20), &json!(3), &json!(0))));
    assert!(
        errors.contains("3 of 20 merchants of source feed") && errors.contains("--max-removed"),
        "{errors}"
    );
    assert_eq!(report["accepted"], 17, "the rows are stored");
    assert_eq!(visibility_of(directory, "m00").as_deref(), Some("visible"));

    // The id of the row is not in its first column, behind a surplus comma.
    let broken = "name,id,lat,lon\nM,m19,60,24\nA, B,m18,60,24\n";
    fs::write(directory.join("broken.csv"), broken).unwrap();
    let flags = ["import", "broken.csv", "--source", "feed", "--replace", "--max-removed", "100", "--json"];
    let output = on_store(directory, &flags);
    assert_eq!(output.status.code(), Some(65));
    assert!(text(&output.stderr).contains("--ignore-unreadable"), "{}", text(&output.stderr));
    assert_eq!(visibility_of(directory, "m00").as_deref(), Some("visible"));
    let output = on_store(directory, &[&flags[..], &["--ignore-unreadable", "--missing", "delete"]].concat());
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(stored(directory), [("m19".to_owned(), "visible".to_owned())]);
}

#[test]
fn a_file_that_is_not_read_to_its_end_removes_none() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,", "b,B,60,24,"], FEED);
    let unclosed = "id,name,lat,lon\na,A,60,24\nb,\"B,60,24\n";
    fs::write(directory.join("half.csv"), unclosed).unwrap();
    let flags = ["import", "half.csv", "--source", "feed", "--replace", "--max-removed", "100"];
    let output = on_store(directory, &flags);
    assert_eq!(output.status.code(), Some(65), "{}", text(&output.stderr));
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("visible"));
}

#[test]
fn rejected_rows_of_any_format_keep_their_merchants() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let of_feed = |id: &str| format!("{id},M,60,24,");
    let rows = ["plain", "node-1", "twice", "gone"].map(of_feed);
    let restore = || import(directory, &rows.each_ref().map(String::as_str), FEED);
    let feature = |id: &str, geometry: &str| {
        format!(
            "{{\"type\":\"Feature\",\"id\":\"{id}\",\"geometry\":{geometry},\"properties\":{{\"name\":\"N\"}}}}\n"
        )
    };
    let geojson = [
        feature("plain", "null"),
        feature("node/1", "{\"type\":\"Point\",\"coordinates\":[24,960]}"),
        feature("twice", "{\"type\":\"LineString\",\"coordinates\":[[24,60],[25,60]]}"),
    ];
    let csv = "id,name,lat,lon\nplain,N\u{e9},x,24\nnode/1,N,60,24,surplus\n'twice,N,60,\n";
    let latin1: Vec<u8> = csv.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let ndjson = "{\"name\":\"merchants/plain\"}\n{\"name\":\"merchants/node-1\",\"phone\":1}\n\
                  {\"name\":\"merchants/twice\",\"unknown\":true}\n";
    let csv_with_escapes = String::from_utf8_lossy(&latin1).replace("'twice", "twice");
    for (file, content) in [
        ("f.geojson", geojson.concat().into_bytes()),
        ("f.csv", csv_with_escapes.into_bytes()),
        ("f.ndjson", ndjson.to_owned().into_bytes()),
    ] {
        restore();
        fs::write(directory.join(file), content).unwrap();
        // One row is accepted, so that the import does not fail as a whole.
        let flags = ["import", file, "--source", "feed", "--replace", "--max-removed", "100", "--json"];
        let output = on_store(directory, &flags);
        let report: Value = serde_json::from_slice(&output.stdout).unwrap();
        let gone = (&json!(4), &json!(1), &json!(1));
        assert_eq!(missing(&report), gone, "{file}: {report} {}", text(&output.stderr));
        assert_eq!(visibility_of(directory, "gone").as_deref(), Some("missing"), "{file}");
    }
}

#[test]
fn a_dry_run_reports_the_numbers_of_an_import_and_stores_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let first = ["a,A,60,24,", "b,B,60,24,", "a,A2,60,24,", "c,C,960,24,"];
    let dry = |rows: &[&str], flags: &[&str]| {
        let (code, mut report, errors) = import(directory, rows, &[flags, &["--dry-run"]].concat());
        assert_eq!(report["dry_run"], true, "{errors}");
        report["dry_run"] = json!(false);
        (code, report)
    };
    let (_, of_dry_run) = dry(&first, FEED);
    let names: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["shops.csv"], "neither a store nor a file of rejected rows");
    let (_, mut report, _) = import(directory, &first, FEED);
    report["rejected_not_written"] = json!(0);
    assert_eq!(report, of_dry_run);
    assert_eq!(
        (&report["created"], &report["updated"], &report["repeated_ids"]),
        (&json!(2), &json!(1), &json!(1))
    );

    let second = ["a,A3,60,24,", "z,Z,60,24,"];
    let before = stored(directory);
    let (code, mut of_dry_run) = dry(&second, FEED);
    assert_eq!((code, missing(&of_dry_run)), (65, (&json!(2), &json!(1), &json!(0))), "above the limit");
    assert_eq!(stored(directory), before);
    let limit = [FEED, &["--max-removed", "50"]].concat();
    let (code, _) = dry(&second, &limit);
    assert_eq!(code, 0);
    assert_eq!(stored(directory), before);
    let (_, report, _) = import(directory, &second, &limit);
    of_dry_run["missing"]["removed"] = json!(1);
    assert_eq!(report, of_dry_run);
    let rejected = directory.join("named.csv");
    dry(&first, &["--rejected", "named.csv"]);
    assert!(fs::read_to_string(rejected).unwrap().contains("LATITUDE_OUT_OF_RANGE"));
}
