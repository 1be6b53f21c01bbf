//! The command line as scripts and people use it.

use std::{fs, path::Path, process::Stdio};

use crate::support::*;
use nearby_proto::v1 as wire;

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

const SHOPS: &str = "\
id,name,lat,lon,datum
far,Far café,60.18,24.94,wgs84
near,\"Near, café\",60.171,24.94,wgs84
bad,Bad,96,24.94,wgs84
";

/// A closed store with the two good shops in it.
fn imported(directory: &Path) -> std::path::PathBuf {
    let (file, store) = (directory.join("shops.csv"), directory.join("store"));
    fs::write(&file, SHOPS).unwrap();
    let output = run(nearby().arg("import").arg(&file).arg("--data-dir").arg(&store));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("2 accepted") && said.contains("LATITUDE_OUT_OF_RANGE"), "{said}");
    let rejected = fs::read_to_string(directory.join("shops.csv.rejected.csv")).unwrap();
    assert!(rejected.contains("4,LATITUDE_OUT_OF_RANGE,position.latitude,"), "{rejected}");
    store
}

#[test]
fn a_closed_store_can_be_loaded_searched_changed_and_exported() {
    let directory = tempfile::tempdir().unwrap();
    let store = imported(directory.path());
    let on_store = |arguments: &[&str]| run(nearby().args(arguments).arg("--data-dir").arg(&store));

    let table = text(&on_store(&["search", "--at", "60.17,24.94"]).stdout);
    assert!(table.find("Near, café").unwrap() < table.find("Far café").unwrap(), "{table}");
    let json = text(&on_store(&["search", "--at", "60.17,24.94", "--radius", "500", "--json"]).stdout);
    let result: wire::NearbyResult = serde_json::from_str(json.trim()).unwrap();
    assert!((result.distance_m - geodesic_m((60.17, 24.94), (60.171, 24.94))).abs() < 1e-5);
    assert!(text(&on_store(&["search", "--at", "-10,10"]).stdout).contains("No merchant"));

    let shop = directory.path().join("shop.json");
    fs::write(&shop, serde_json::to_string(&merchant("new", 60.17, 24.94)).unwrap()).unwrap();
    assert_eq!(on_store(&["put", shop.to_str().unwrap()]).status.code(), Some(0));
    let got: wire::Merchant = serde_json::from_slice(&on_store(&["get", "new"]).stdout).unwrap();
    assert_eq!((got.name.as_str(), got.display_name.as_str()), ("merchants/new", "Shop new"));
    assert_eq!(on_store(&["delete", "new"]).status.code(), Some(0));
    let gone = on_store(&["get", "new"]);
    assert_eq!(gone.status.code(), Some(65));
    assert!(text(&gone.stderr).contains("there is no merchant new"), "{}", text(&gone.stderr));

    for (file, lines) in [("all.csv", 3), ("all.ndjson", 2), ("all.geojson", 4)] {
        let path = directory.path().join(file);
        assert_eq!(on_store(&["export", path.to_str().unwrap()]).status.code(), Some(0));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), lines, "{file}");
        let again = directory.path().join(format!("again-{file}"));
        let output = run(nearby().arg("import").arg(&path).arg("--data-dir").arg(&again));
        assert!(text(&output.stdout).contains("2 accepted (2 new"), "{}", text(&output.stdout));
        assert_eq!(text(&output.stderr), "", "nothing to complain about");
    }
}

/// Whatever is wrong with one row, or with the rest of the file, the good rows are stored.
#[test]
fn good_rows_are_stored_whatever_comes_beside_them() {
    let directory = tempfile::tempdir().unwrap();
    let import = |name: &str, bytes: &[u8]| {
        let file = directory.path().join(name);
        fs::write(&file, bytes).unwrap();
        let store = directory.path().join(format!("{name}.store"));
        let output = run(nearby().arg("import").arg(&file).arg("--data-dir").arg(&store));
        let count = run(nearby().args(["export", "-", "--data-dir"]).arg(&store));
        (
            output.status.code(),
            text(&output.stdout) + &text(&output.stderr),
            text(&count.stdout).lines().count(),
        )
    };
    let good: String = (0..5_000).map(|n| format!("m{n},Shop,60.1,24.9\n")).collect();

    let unclosed = format!("id,name,lat,lon,hours\na,A,60.1,24.9,\nb,B,60.1,24.9,\"{}", "x".repeat(5 << 20));
    let (code, said, stored) = import("unclosed.csv", unclosed.as_bytes());
    assert_eq!((code, stored), (Some(0), 1), "{said}");
    assert!(said.contains("TOO_LARGE"), "{said}");

    let plain = format!("id,name,lat,lon\n{good}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, plain.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let (code, said, stored) = import("cut.csv.gz", &whole[..whole.len() * 9 / 10]);
    assert_eq!(code, Some(65), "{said}");
    assert!(stored > 4_000, "{said}");
    let told: String = said.split("stopped; ").nth(1).unwrap().chars().take_while(|c| *c != ' ').collect();
    assert_eq!(told.replace(',', "").parse(), Ok(stored), "{said}");
}

#[tokio::test]
async fn a_second_server_on_the_same_store_is_refused() {
    let server = Server::start().await;
    let second = run(nearby().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&server.data_dir));
    assert_eq!(second.status.code(), Some(75));
    let said = text(&second.stderr);
    assert!(said.contains("is in use by another process (process id "), "{said}");
    let taken = server.url.strip_prefix("http://").unwrap();
    let directory = tempfile::tempdir().unwrap();
    let third =
        run(nearby().args(["serve", "--listen", taken, "--data-dir"]).arg(directory.path().join("data")));
    assert_eq!(third.status.code(), Some(69));
    assert!(text(&third.stderr).contains("cannot listen on"), "{}", text(&third.stderr));
}

#[tokio::test]
async fn a_reader_that_goes_away_and_an_idle_peer_are_no_failures() {
    let server = Server::start().await;
    let mut child =
        nearby().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // A connection that nobody looks after: this test's runtime stands still while it waits for the server's end.
    let _idle = server.searches().await;
    assert_eq!(server.terminate().code(), Some(0));
}

#[test]
fn exit_codes_are_those_of_sysexits() {
    let directory = tempfile::tempdir().unwrap();
    let nowhere = directory.path().join("nowhere.csv");
    let headless = directory.path().join("headless.csv");
    fs::write(&headless, "a,b\n1,2\n").unwrap();
    let (nowhere, headless) = (nowhere.to_str().unwrap(), headless.to_str().unwrap());
    for (arguments, code, said) in [
        (vec!["search"], 64, "--at"),
        (vec!["search", "--at", "1,2", "--limit", "0"], 64, "--limit"),
        (vec!["export", "all.csv.gz"], 64, ".gz"),
        (vec!["search", "--at", "here"], 64, "such as 60.1699,24.9384"),
        (vec!["search", "--at", "1,2", "--server", "http://127.0.0.1:1"], 69, "nearby serve"),
        (vec!["import", nowhere], 66, "cannot read"),
        (vec!["search", "--at", "1,2", "--data-dir", nowhere], 66, "no store"),
        (vec!["search", "--at", "1,2", "--data-dir", env!("CARGO_MANIFEST_DIR")], 66, "no store"),
        (vec!["import", "file.xyz"], 64, "--format"),
        (vec!["import", headless], 65, "no column id"),
        (vec!["import", headless, "--rejected", headless], 64, "the file to load itself"),
        (vec!["search", "--at", "1,2", "--server", "https://127.0.0.1:1"], 64, "TLS"),
        (vec!["search", "--at", "1,2", "--server", "127.0.0.1:1"], 69, "no server answers"),
        (vec!["serve", "--listen", "nonsense"], 78, "--listen"),
        (vec!["serve", "--max-radius-m", "60000"], 78, "50000"),
        (vec!["serve", "--config", nowhere], 78, "settings file"),
        (vec!["--log", "a=b=c", "get", "x"], 64, "--log"),
    ] {
        let output = run(nearby().args(&arguments));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(run(nearby().arg("--help")).status.code(), Some(0));
}
