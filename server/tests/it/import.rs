//! `nearby import`: the files that it writes, and what it says when it is stopped.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpListener, TcpStream},
    path::Path,
    process::{Output, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use crate::support::*;

const TWO_ROWS: &str = "id,name,lat,lon,website\na,A,60.1,24.9,www.example.test\nb,B,960.1,24.9,\n";

/// Imports a file into the store `store` beside it.
fn import(directory: &Path, file: &str, flags: &[&str]) -> Output {
    let mut command = nearby();
    command.current_dir(directory).args(["import", file, "--data-dir", "store"]).args(flags);
    run(&mut command)
}

/// The merchant with an id in the store `store` of a directory.
fn stored(directory: &Path, id: &str) -> serde_json::Value {
    let got = run(nearby().current_dir(directory).args(["get", id, "--data-dir", "store"]));
    serde_json::from_slice(&got.stdout).unwrap()
}

#[test]
fn an_earlier_file_of_rejected_rows_stays_until_rows_are_stored() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("shops.csv"), TWO_ROWS).unwrap();
    fs::write(path("shops.csv.rejected.csv"), "earlier").unwrap();
    fs::write(path("named.csv"), "earlier").unwrap();
    let unreachable = ["import", "shops.csv", "--server", "127.0.0.1:1"];
    for flags in [&[][..], &["--rejected", "named.csv"]] {
        let output = run(nearby().current_dir(&directory).args(unreachable).args(flags));
        assert_eq!(output.status.code(), Some(69));
    }
    assert_eq!(fs::read_to_string(path("shops.csv.rejected.csv")).unwrap(), "earlier");
    assert_eq!(fs::read_to_string(path("named.csv")).unwrap(), "earlier");

    import(directory.path(), "shops.csv", &["--rejected", "named.csv"]);
    assert!(fs::read_to_string(path("named.csv")).unwrap().contains("LATITUDE_OUT_OF_RANGE"));
    import(directory.path(), "shops.csv", &[]);
    assert!(fs::read_to_string(path("shops.csv.rejected.csv")).unwrap().contains("LATITUDE_OUT_OF_RANGE"));
    fs::write(path("shops.csv"), TWO_ROWS.replace("960.1", "60.1")).unwrap();
    import(directory.path(), "shops.csv", &[]);
    assert!(!path("shops.csv.rejected.csv").exists(), "its rows are stored");
    assert_eq!(fs::read_dir(&directory).unwrap().count(), 3, "no temporary file is left");
}

#[test]
fn files_that_are_written_are_no_files_that_the_import_reads_or_writes_otherwise() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("shops.csv"), TWO_ROWS).unwrap();
    fs::write(path("holidays.toml"), "").unwrap();
    for flags in [
        &["--warnings", "./shops.csv"][..],
        &["--warnings", "shops.csv.rejected.csv"],
        &["--warnings", "w.csv", "--rejected", "w.csv"],
        &["--rejected", "shops.csv"],
        &["--holidays", "holidays.toml", "--rejected", "holidays.toml"],
        &["--holidays", "holidays.toml", "--warnings", "holidays.toml"],
    ] {
        let output = import(directory.path(), "shops.csv", flags);
        assert_eq!(output.status.code(), Some(64), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("reads or writes otherwise"), "{}", text(&output.stderr));
    }
    assert_eq!(fs::read_to_string(path("shops.csv")).unwrap(), TWO_ROWS);
    assert_eq!(fs::read_to_string(path("holidays.toml")).unwrap(), "");
    assert!(!path("store").exists(), "nothing is stored");
}

#[test]
fn an_unknown_country_does_not_replace_a_known_one() {
    let directory = tempfile::tempdir().unwrap();
    for (country, expected) in [("FI", "\"FI\""), ("Finnlandia", "\"FI\""), ("", "null")] {
        let csv = format!("id,name,lat,lon,country\na,A,60.1,24.9,{country}\n");
        fs::write(directory.path().join("shops.csv"), csv).unwrap();
        import(directory.path(), "shops.csv", &[]);
        let merchant = stored(directory.path(), "a");
        assert_eq!(merchant["address"]["regionCode"].to_string(), expected, "{country}");
    }
}

#[test]
fn a_time_zone_or_a_text_that_is_not_understood_replaces_that_of_a_merchant() {
    let directory = tempfile::tempdir().unwrap();
    let hours = |csv: &str| {
        fs::write(directory.path().join("shops.csv"), csv).unwrap();
        import(directory.path(), "shops.csv", &[]);
        let merchant = stored(directory.path(), "a");
        ["timeZone", "osmExpression", "displayText"]
            .map(|field| merchant["openingHours"][field].as_str().unwrap_or_default().to_owned())
    };
    let with = |text: &str| format!("id,name,lat,lon,hours,tz\na,A,60.1,24.9,{text},Europe/Berlin\n");
    let known = ["Europe/Berlin", "24/7", ""];
    assert_eq!(hours(&with("24/7")), known);
    assert_eq!(hours(&with("")), known, "a row without hours");
    assert_eq!(hours("id,name,lat,lon\na,A,60.1,24.9\n"), known);
    assert_eq!(hours("id,name,lat,lon,tz\na,A,60.1,24.9,\n"), known);
    assert_eq!(hours("id,name,lat,lon,tz\na,A,60.1,24.9,Europe/Helsinki\n"), ["Europe/Helsinki", "24/7", ""]);
    assert_eq!(hours(&with("see website")), ["Europe/Berlin", "", "see website"]);
}

#[test]
fn rejected_json_of_another_encoding_can_be_imported_with_the_same_options() {
    let directory = tempfile::tempdir().unwrap();
    let (feature, _, _) = encoding_rs::GBK
        .encode("{\"type\":\"Feature\",\"id\":\"a\",\"geometry\":null,\"properties\":{\"name\":\"老王\"}}");
    fs::write(directory.path().join("f.geojson"), feature).unwrap();
    import(directory.path(), "f.geojson", &["--encoding", "gbk"]);
    let rejected = fs::read_to_string(directory.path().join("f.geojson.rejected.geojson")).unwrap();
    let corrected = rejected.replace("null", "{\"type\":\"Point\",\"coordinates\":[24.9,60.1]}");
    fs::write(directory.path().join("f.geojson"), corrected).unwrap();
    let again = import(directory.path(), "f.geojson", &["--encoding", "gbk"]);
    assert_eq!(again.status.code(), Some(0), "{}", text(&again.stderr));
    assert_eq!(stored(directory.path(), "a")["displayName"], "老王");
}

#[test]
fn a_file_of_warnings_that_fails_costs_no_rejected_row() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("shops.csv"), TWO_ROWS).unwrap();
    let output = import(directory.path(), "shops.csv", &["--warnings", "/dev/full"]);
    assert_eq!(output.status.code(), Some(73), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("1 accepted"), "{}", text(&output.stdout));
    assert!(fs::read_to_string(path("shops.csv.rejected.csv")).unwrap().contains("LATITUDE_OUT_OF_RANGE"));
}

#[test]
fn a_file_of_rejected_rows_that_cannot_be_written_is_an_error_only_if_it_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("shops.csv"), TWO_ROWS).unwrap();
    let named = import(directory.path(), "shops.csv", &["--rejected", "nowhere/rejected.csv"]);
    assert_eq!(named.status.code(), Some(73), "{}", text(&named.stderr));
    assert!(text(&named.stderr).contains("cannot write nowhere/rejected.csv"), "{}", text(&named.stderr));
    assert!(!path("store").exists(), "before the first row");

    fs::create_dir(path("shops.csv.rejected.csv")).unwrap();
    let default = import(directory.path(), "shops.csv", &[]);
    assert_eq!(default.status.code(), Some(0), "{}", text(&default.stderr));
    assert!(text(&default.stderr).contains("is a directory"), "{}", text(&default.stderr));
    assert!(text(&default.stdout).contains("1 rejected row was not written"), "{}", text(&default.stdout));
    assert!(path("shops.csv.rejected.csv").is_dir());
}

#[test]
fn rejected_rows_of_standard_input_and_warnings_have_files() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut command = nearby();
    command.current_dir(&directory).args(["import", "-", "--format", "csv", "--warnings", "warnings.csv"]);
    let mut child = command.args(["--data-dir", "store"]).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(TWO_ROWS.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    let rejected = fs::read_to_string(path("standard-input.rejected.csv")).unwrap();
    assert!(rejected.starts_with("id,name,lat,lon,website,reason\nb,B,960.1,24.9,,\"LATITUDE"), "{rejected}");
    let warnings = fs::read_to_string(path("warnings.csv")).unwrap();
    assert_eq!(warnings, "row,warning,detail\n2,WEBSITE_SCHEME_ADDED,www.example.test\n");
}

#[test]
fn a_file_with_some_columns_of_addresses_updates_only_these() {
    let directory = tempfile::tempdir().unwrap();
    let import_text = |csv: &str| {
        fs::write(directory.path().join("shops.csv"), csv).unwrap();
        assert_eq!(import(directory.path(), "shops.csv", &[]).status.code(), Some(0));
        let merchant = stored(directory.path(), "a");
        let address = |field: &str| merchant["address"][field].clone();
        ["addressLines", "locality", "regionCode"].map(address)
    };
    let all = "id,name,lat,lon,address,city,country\na,A,60.1,24.9,1 Road,Helsinki,FI\n";
    let road = serde_json::json!(["1 Road"]);
    assert_eq!(import_text(all), [road.clone(), "Helsinki".into(), "FI".into()]);
    let moved = "id,name,lat,lon,city\na,A,60.1,24.9,Espoo\n";
    assert_eq!(import_text(moved), [road, "Espoo".into(), "FI".into()]);
    let emptied = "id,name,lat,lon,address\na,A,60.1,24.9,\n";
    assert_eq!(import_text(emptied), [serde_json::Value::Null, "Espoo".into(), "FI".into()]);
}

/// Forwards connections to a server. The first stops after a number of bytes from the client, and is cut when `cut` says so.
fn cutting_proxy(server: String, stop_after: usize, cut: mpsc::Receiver<()>) -> String {
    let cut = Arc::new(Mutex::new(cut));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let connections = Arc::new(AtomicUsize::new(0));
    thread::spawn(move || {
        for client in listener.incoming().map_while(Result::ok) {
            let upstream = TcpStream::connect(&server).unwrap();
            let limit =
                if connections.fetch_add(1, Ordering::Relaxed) == 0 { stop_after } else { usize::MAX };
            let cut = Arc::clone(&cut);
            let (mut from_server, mut to_client) =
                (upstream.try_clone().unwrap(), client.try_clone().unwrap());
            thread::spawn(move || drop(std::io::copy(&mut from_server, &mut to_client)));
            thread::spawn(move || {
                let (mut client, mut upstream) = (client, upstream);
                let mut forwarded = 0;
                let mut buffer = [0; 4_096];
                while let Ok(count @ 1..) = client.read(&mut buffer) {
                    forwarded += count;
                    if forwarded > limit {
                        cut.lock().unwrap().recv().unwrap();
                        break;
                    }
                    if upstream.write_all(&buffer[..count]).is_err() {
                        break;
                    }
                }
                drop((client.shutdown(Shutdown::Both), upstream.shutdown(Shutdown::Both)));
            });
        }
    });
    address
}

#[tokio::test]
async fn rows_of_a_call_without_a_response_are_asked_for() {
    let server = TestServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let rows: String =
        (0..9_000).map(|n| format!("m{n},Shop with a name that takes some bytes,60.1,24.9\n")).collect();
    fs::write(directory.path().join("shops.csv"), format!("id,name,lat,lon\n{rows}")).unwrap();
    let address = server.url.strip_prefix("http://").unwrap().to_owned();
    let (cut, may_cut) = mpsc::channel();
    let proxy = cutting_proxy(address, 300_000, may_cut);
    let mut command = nearby();
    command.current_dir(&directory).args(["import", "shops.csv", "--server", &proxy]);
    let import = tokio::task::spawn_blocking(move || run(&mut command));
    let has_rows = async || !list_ids(&mut server.merchants().await).await.is_empty();
    wait_until("the first rows are stored", has_rows).await;
    cut.send(()).unwrap();
    let output = import.await.unwrap();
    let said = text(&output.stderr);
    let stored = list_ids(&mut server.merchants().await).await.len();
    assert!(stored > 0 && stored < 9_000, "{stored} rows are stored: {said}");
    let reported = said.split("import stopped; ").nth(1).unwrap().split(" row").next().unwrap();
    assert_eq!(reported.replace(',', "").parse(), Ok(stored), "{said}");
}

#[tokio::test]
async fn without_an_answer_the_rows_that_are_acknowledged_are_stored_at_least() {
    let server = TestServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let rows: String = (0..9_000).map(|n| format!("m{n},Shop,60.1,24.9\n")).collect();
    fs::write(directory.path().join("shops.csv"), format!("id,name,lat,lon\n{rows}")).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let proxy = listener.local_addr().unwrap().to_string();
    let upstream = server.url.strip_prefix("http://").unwrap().to_owned();
    // Forwards one connection, and none after it is cut.
    thread::spawn(move || {
        let mut client = listener.accept().unwrap().0;
        drop(listener);
        let mut upstream = TcpStream::connect(upstream).unwrap();
        let (mut from_server, mut to_client) = (upstream.try_clone().unwrap(), client.try_clone().unwrap());
        thread::spawn(move || drop(std::io::copy(&mut from_server, &mut to_client)));
        drop(std::io::copy(&mut (&mut client).take(100_000), &mut upstream));
        drop((client.shutdown(Shutdown::Both), upstream.shutdown(Shutdown::Both)));
    });
    let mut command = nearby();
    command.current_dir(&directory).args(["import", "shops.csv", "--server", &proxy]);
    let output = tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
    assert_eq!(output.status.code(), Some(69), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("import stopped; at least 0 rows stored"),
        "{}",
        text(&output.stderr)
    );
}
