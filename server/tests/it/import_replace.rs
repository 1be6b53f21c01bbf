//! `nearby import --replace` and `--dry-run`.

use std::{fs, path::Path, process::Output};

use serde_json::{Value, json};

use crate::support::*;

/// Runs a command on the store `store` in a directory.
fn on_store(directory: &Path, arguments: &[&str]) -> Output {
    run(nearby().current_dir(directory).args(arguments).args(["--data-dir", "store"]))
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

/// The merchant `a`, as a feature and as a line of NDJSON.
const FEATURE: &str = "{\"type\":\"Feature\",\"id\":\"a\",\"geometry\":{\"type\":\"Point\",\
                       \"coordinates\":[24,60]},\"properties\":{\"name\":\"A\"}}\n";
const LINE: &str = "{\"name\":\"merchants/a\",\"displayName\":\"A\",\"position\":{\"latitude\":60,\
                    \"longitude\":24,\"coordinateSystem\":\"COORDINATE_SYSTEM_WGS84\"}}\n";

/// A store with the merchants `a` to `d` of the source, of which a file has the first only, and rejected rows about others.
fn missing_from(file: &str, content: &[u8], flags: &[&str]) -> Result<Vec<String>, String> {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,", "b,B,60,24,", "node-1,N,60,24,", "店1,D,60,24,"], FEED);
    fs::write(directory.join(file), content).unwrap();
    let import = ["import", file, "--source", "feed", "--replace", "--max-removed", "100", "--json"];
    let output = on_store(directory, &[&import[..], flags].concat());
    let missing = stored(directory).into_iter().filter(|(_, visibility)| visibility == "missing");
    let missing = missing.map(|(id, _)| id).collect();
    if output.status.code() == Some(0) { Ok(missing) } else { Err(text(&output.stderr)) }
}

#[test]
fn merchants_of_rejected_rows_stay() {
    let geojson = |feature: &str| format!("{FEATURE}{feature}\n").into_bytes();
    let ndjson = |line: &str| format!("{LINE}{line}\n").into_bytes();
    let csv = |row: &str| format!("id,name,lat,lon\na,A,60,24\n{row}\n").into_bytes();
    let gbk = [csv("x"), b"\xb5\xea1,\xff\xff,60,24\n".to_vec()].concat();
    let b_and_node = ["b", "node-1"];
    let kept: [(&str, Vec<u8>, &[&str]); 8] = [
        ("f.csv", csv("b,N\u{e9},x,24"), &["b"]),
        ("f.csv", csv("b,N,960,24\nnode/1,N,60,24,surplus"), &b_and_node),
        ("f.csv", csv("b,N").into_iter().chain(*b"node-1,\xff,60,24\n").collect(), &b_and_node),
        ("f.geojson", geojson("{\"type\":\"Feature\",\"id\":\"node/1\",\"geometry\":null}"), &["node-1"]),
        ("f.geojson", geojson("{\"type\":\"Feature\",\"properties\":{\"id\":\"b\",\"name\":\"B\"}}"), &["b"]),
        (
            "f.geojson",
            geojson("{\"type\":\"Feature\",\"properties\":{\"name\":\"merchants/b\",\"displayName\":7}}"),
            &["b"],
        ),
        (
            "f.ndjson",
            ndjson("{\"name\":\"merchants/b\"}\n{\"name\":\"merchants/node-1\",\"phone\":1}"),
            &b_and_node,
        ),
        ("f.csv", gbk.clone(), &["店1"]),
    ];
    for (file, content, ids) in kept {
        let flags: &[&str] = if content == gbk { &["--encoding", "gbk"] } else { &[] };
        let all = ["b", "node-1", "店1"];
        let expected: Vec<String> =
            all.into_iter().filter(|id| !ids.contains(id)).map(str::to_owned).collect();
        let text = String::from_utf8_lossy(&content).into_owned();
        assert_eq!(missing_from(file, &content, flags), Ok(expected), "{text}");
    }
}

#[test]
fn rows_that_may_be_about_any_merchant_keep_all() {
    let csv = "id,name,lat,lon\na,A,60,24\n";
    let named_first = "name,id,lat,lon\nA,a,60,24\n";
    for (file, start, rest) in [
        ("f.geojson", FEATURE, "{\"type\":\"FeatureCollection\",\"bbox\":[1],\"x\":[{\"id\":\"b\"}]}"),
        ("f.geojson", FEATURE, "{\"type\":\"Feature\",\"id\":{\"$oid\":\"b\"},\"geometry\":null}"),
        ("f.geojson", FEATURE, "{\"type\":\"Feature\",\"geometry\":null}"),
        ("f.geojson", FEATURE, "{b:2}"),
        ("f.ndjson", LINE, "{\"Name\":\"merchants/b\"}"),
        ("f.ndjson", LINE, "{\"merchant\":{\"name\":\"merchants/b\"}}"),
        ("f.ndjson", LINE, "{\"name\":\"merchants/b"),
        ("f.ndjson", LINE, "{\"name\":\"b\"}"),
        ("f.csv", csv, "merchants/b,B,60,24"),
        ("f.csv", csv, "N/A,B,60,24"),
        ("f.csv", csv, ",b,B,60,24"),
        ("f.csv", csv, ",B,60,24"),
        ("f.csv", csv, "x,\"Pizza 30,60,24,\nb,Pizza,60,24,1\""),
        ("f.csv", named_first, "Bar, Grill,b,60,24"),
        ("f.csv", named_first, "B b,60,24"),
    ] {
        let failed = missing_from(file, format!("{start}{rest}\n").as_bytes(), &[]).unwrap_err();
        assert!(failed.contains("--ignore-unreadable"), "{rest}: {failed}");
    }
}

#[test]
fn a_file_without_an_accepted_row_removes_none() {
    for (file, content) in [
        ("f.geojson", "{\"type\":\"Topology\",\"objects\":{}}"),
        ("f.ndjson", "{\"name\":\"merchants/b\"}\n"),
        ("f.csv", "id,name,lat,lon\nb,B,960,24\n"),
    ] {
        let failed = missing_from(file, content.as_bytes(), &["--ignore-unreadable"]).unwrap_err();
        assert!(failed.contains("no merchant was removed"), "{file}: {failed}");
    }
}

#[test]
fn merchants_hidden_by_other_means_stay_hidden() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,", "b,B,60,24,"], FEED);
    assert!(on_store(directory, &["hide", "a"]).status.success());
    let exported = on_store(directory, &["export", "-", "--format", "ndjson"]);
    let without_visibility = |line: &str| {
        let mut merchant: Value = serde_json::from_str(line).unwrap();
        merchant.as_object_mut().unwrap().remove("visibility");
        merchant.to_string()
    };
    let lines: Vec<String> = text(&exported.stdout).lines().map(without_visibility).collect();
    fs::write(directory.join("feed.ndjson"), lines.join("\n")).unwrap();
    for flags in [&["import", "feed.ndjson"][..], &["import", "shops.csv", "--replace-fields"]] {
        assert!(on_store(directory, &[flags, FEED].concat()).status.success());
        assert_eq!(visibility_of(directory, "a").as_deref(), Some("hidden"), "{flags:?}");
        assert_eq!(visibility_of(directory, "b").as_deref(), Some("visible"), "{flags:?}");
    }
    // A file that was exported while a merchant was missing.
    let rows = ["a,A,60,24,", "b,B,60,24,missing"];
    import(directory, &rows, FEED);
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("visible"));
    import(directory, &rows, &[]);
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("missing"), "without a source, it says so");
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
    let (code, refused) = dry(&second, FEED);
    assert_eq!((code, missing(&refused)), (65, (&json!(2), &json!(1), &json!(0))), "above the limit");
    assert_eq!(stored(directory), before);
    let limit = [FEED, &["--max-removed", "50"]].concat();
    let (code, of_dry_run) = dry(&second, &limit);
    assert_eq!((code, missing(&of_dry_run)), (0, (&json!(2), &json!(1), &json!(1))));
    assert_eq!(stored(directory), before);
    let (_, report, _) = import(directory, &second, &limit);
    assert_eq!(report, of_dry_run);
    let rejected = directory.join("named.csv");
    dry(&first, &["--rejected", "named.csv"]);
    assert!(fs::read_to_string(rejected).unwrap().contains("LATITUDE_OUT_OF_RANGE"));
}

#[test]
fn a_last_row_that_may_be_cut_off_is_rejected() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,", "b,B,60,24,"], FEED);
    fs::write(directory.join("cut.csv"), "id,name,lat,lon,phone\na,A,60,24,1\nb,B,60,2").unwrap();
    let flags = ["import", "cut.csv", "--source", "feed", "--replace", "--max-removed", "100"];
    let output = on_store(directory, &flags);
    assert!(text(&output.stdout).contains("1 accepted"), "{}", text(&output.stdout));
    let rejected = fs::read_to_string(directory.join("cut.csv.rejected.csv")).unwrap();
    assert!(rejected.contains("no line end follows"), "{rejected}");
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("visible"));
    // With a line end, a spreadsheet has shortened it.
    fs::write(directory.join("cut.csv"), "id,name,lat,lon,phone\na,A,60,24,1\nb,B,60,24\n").unwrap();
    assert!(text(&on_store(directory, &flags).stdout).contains("2 accepted"));
}

#[test]
fn rows_that_change_nothing_leave_merchants_as_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let etags = || {
        let exported = text(&on_store(directory, &["export", "-", "--format", "ndjson"]).stdout);
        let etag = |line: &str| serde_json::from_str::<Value>(line).unwrap()["etag"].clone();
        exported.lines().map(etag).collect::<Vec<_>>()
    };
    let rows = ["a,A,60,24,", "b,B,60,24,"];
    import(directory, &rows, FEED);
    let before = etags();
    let counts =
        |report: &Value| ["created", "updated", "unchanged"].map(|count| report[count].as_u64().unwrap());
    for flags in [&["--dry-run"][..], &[], &["--replace-fields"]] {
        let (_, report, _) = import(directory, &rows, &[FEED, flags].concat());
        assert_eq!(counts(&report), [0, 0, 2], "{flags:?}");
        assert_eq!(etags(), before, "{flags:?}");
    }
    let (_, report, _) = import(directory, &["a,A,60,24,", "b,B2,60,24,"], FEED);
    assert_eq!(counts(&report), [0, 1, 1]);
    assert_eq!(etags()[0], before[0]);
    assert_ne!(etags()[1], before[1]);
}

#[test]
fn a_merchant_that_is_taken_from_another_source_is_a_warning() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,"], FEED);
    for (flags, warnings) in
        [(&["--source", "fede", "--dry-run"][..], 1), (&["--source", "fede"], 1), (&[], 0)]
    {
        let (_, report, _) = import(directory, &["a,A,60,24,", "b,B,60,24,"], flags);
        assert_eq!(report["warnings"]["SOURCE_CHANGED"].as_u64().unwrap_or_default(), warnings, "{flags:?}");
    }
}

#[test]
fn a_file_of_no_source_does_not_show_missing_merchants() {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    import(directory, &["a,A,60,24,", "b,B,60,24,"], FEED);
    import(directory, &["a,A,60,24,"], &[FEED, &["--max-removed", "50%"]].concat());
    import(directory, &["b,B2,60,24,"], &[]);
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("missing"));
    import(directory, &["b,B2,60,24,"], &["--source", "other"]);
    assert_eq!(visibility_of(directory, "b").as_deref(), Some("visible"));
}
