//! The command line, as scripts and people use it.

use std::{
    fs,
    io::{BufRead, BufReader, Write},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    sync::mpsc::{self, Receiver},
    thread,
    time::{Duration, Instant},
};

use crate::support::*;
use nearby_proto::v1 as wire;

/// A CSV file with two valid rows and an invalid one.
const SHOPS: &str = "\
id,name,lat,lon,datum
far,Far café,60.18,24.94,wgs84
near,\"Near, café\",60.171,24.94,wgs84
bad,Bad,96,24.94,wgs84
";

/// Imports `SHOPS` into a new store; returns its directory. Two of the three rows are valid.
fn imported(directory: &Path) -> std::path::PathBuf {
    let (file, store) = (directory.join("shops.csv"), directory.join("store"));
    fs::write(&file, SHOPS).unwrap();
    let output = run(nearby().arg("import").arg(&file).arg("--data-dir").arg(&store));
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let said = text(&output.stdout);
    assert!(said.contains("2 accepted") && said.contains("LATITUDE_OUT_OF_RANGE"), "{said}");
    let rejected = fs::read_to_string(directory.join("shops.csv.rejected.csv")).unwrap();
    let row = rejected.lines().nth(1).unwrap();
    assert!(row.starts_with("bad,Bad,96,24.94,wgs84,\"LATITUDE_OUT_OF_RANGE position.latitude: "), "{row}");
    assert!(row.ends_with(" (line 4)\""), "{row}");
    store
}

#[test]
fn commands_import_search_change_and_export_a_closed_store() {
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
    assert!(text(&gone.stderr).contains("merchant new"), "{}", text(&gone.stderr));

    for (file, lines) in [("all.csv", 3), ("all.ndjson", 2), ("all.geojson", 4)] {
        let path = directory.path().join(file);
        assert_eq!(on_store(&["export", path.to_str().unwrap()]).status.code(), Some(0));
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), lines, "{file}");
        let again = directory.path().join(format!("again-{file}"));
        let output = run(nearby().arg("import").arg(&path).arg("--data-dir").arg(&again));
        assert!(text(&output.stdout).contains("2 accepted (2 new"), "{}", text(&output.stdout));
        assert_eq!(text(&output.stderr), "", "there are no warnings");
    }
}

#[test]
fn valid_rows_are_stored_whatever_else_the_file_contains() {
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
    let (code, output, stored) = import("unclosed.csv", unclosed.as_bytes());
    assert_eq!((code, stored), (Some(65), 1), "{output}");
    assert!(output.contains("1 row stored; it is safe to run the import again: line 3: a quote"), "{output}");
    let long = format!("id,name,lat,lon,hours\na,A,60.1,24.9,{}\nb,B,60.1,24.9,\n", "x".repeat(5 << 20));
    let (code, output, stored) = import("long.csv", long.as_bytes());
    assert_eq!((code, stored), (Some(0), 1), "{output}");
    assert!(output.contains("TOO_LARGE") && output.contains("1 rejected row was not written"), "{output}");

    let plain = format!("id,name,lat,lon\n{good}");
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    std::io::Write::write_all(&mut gzip, plain.as_bytes()).unwrap();
    let whole = gzip.finish().unwrap();
    let (code, output, stored) = import("cut.csv.gz", &whole[..whole.len() * 9 / 10]);
    assert_eq!(code, Some(65), "{output}");
    assert!(stored > 4_000, "{output}");
    let reported = output.split("stopped; ").nth(1).unwrap();
    let reported: String = reported.chars().take_while(|c| *c != ' ').collect();
    assert_eq!(reported.replace(',', "").parse(), Ok(stored), "{output}");
}

#[tokio::test]
async fn a_server_does_not_start_on_a_store_or_an_address_in_use() {
    let server = TestServer::start().await;
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
async fn closed_pipes_and_idle_connections_are_not_failures() {
    let server = TestServer::start().await;
    let mut child =
        nearby().args(["completions", "bash"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    // The client makes no progress while the test blocks its runtime.
    let _idle = server.searches().await;
    assert_eq!(server.terminate_blocking().code(), Some(0));
}

/// Runs a command, which must succeed; returns its output.
fn stdout_of(command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// Starts a server and stores merchants with `nearby put`.
async fn server_with(merchants: &[wire::Merchant]) -> TestServer {
    let server = TestServer::start().await;
    let file = server.data_dir.with_file_name("merchants.json");
    let lines: Vec<String> =
        merchants.iter().map(|merchant| serde_json::to_string(merchant).unwrap()).collect();
    fs::write(&file, lines.join("\n")).unwrap();
    stdout_of(on(&server, &["put"]).arg(&file));
    server
}

/// Returns a command for a running server.
fn on(server: &TestServer, arguments: &[&str]) -> Command {
    let mut command = nearby();
    command.args(arguments).args(["--server", &server.url]);
    command
}

const AT: [&str; 3] = ["search", "--at", "60,25"];

/// Returns a merchant at a distance to the north of the position of these searches.
fn north(id: &str, metres: f64) -> wire::Merchant {
    // A degree of latitude at 60° N on WGS-84.
    merchant(id, 60.0 + metres / 111_412.0, 25.0)
}

/// Returns the results of a search with these flags.
fn results(server: &TestServer, flags: &[&str]) -> Vec<wire::NearbyResult> {
    let lines = stdout_of(on(server, &AT).args(flags).arg("--json"));
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn ids(results: &[wire::NearbyResult]) -> Vec<String> {
    ranking(results).into_iter().map(|(_, id)| id).collect()
}

#[tokio::test]
async fn search_flags_filter_by_category_brand_service_and_distance() {
    let shop = |id, metres, category: &str, brand: &str, services: &[&str]| wire::Merchant {
        categories: vec![category.to_owned()],
        brand: brand.to_owned(),
        services: services.iter().map(|&service| service.to_owned()).collect(),
        phone: "+358 9 123".to_owned(),
        ..north(id, metres)
    };
    let server = server_with(&[
        shop("a", 100.0, "cafe", "Chain", &["wifi", "delivery"]),
        shop("b", 200.0, "bakery", "", &["wifi"]),
        shop("c", 300.0, "cafe", "Other", &["delivery"]),
        shop("d", 400.0, "kiosk", "Chain", &[]),
    ])
    .await;
    for (flags, expected) in [
        (&[][..], &["a", "b", "c", "d"][..]),
        (&["--category", "cafe"], &["a", "c"]),
        (&["--category", "cafe", "--category", "bakery"], &["a", "b", "c"]),
        (&["--not-category", "cafe", "--not-category", "kiosk"], &["b"]),
        (&["--brand", "Chain"], &["a", "d"]),
        (&["--brand", "Chain", "--brand", "Other"], &["a", "c", "d"]),
        (&["--not-brand", "Chain"], &["b", "c"]),
        (&["--service", "wifi"], &["a", "b"]),
        (&["--service", "wifi", "--service", "delivery"], &["a"]),
        (&["--category", "cafe", "--not-brand", "Chain"], &["c"]),
        (&["--min-distance", "250"], &["c", "d"]),
        (&["--min-distance", "250", "--radius", "350"], &["c"]),
    ] {
        let found = results(&server, flags);
        assert_eq!(ids(&found), expected, "{flags:?}");
        let whole = found.iter().all(|result| result.merchant.as_ref().unwrap().phone == "+358 9 123");
        assert!(whole, "JSON has all fields of a merchant");
    }
    let none = stdout_of(on(&server, &AT).args(["--brand", "Unknown"]));
    assert!(none.starts_with("No merchant within the radius matches the filters."), "{none}");

    let file = server.data_dir.with_file_name("cafes.csv");
    let exported = run(on(&server, &["export", "--category", "cafe", "--not-brand", "Other"]).arg(&file));
    let message = text(&exported.stderr);
    let (written, next) = message.split_once('\n').unwrap();
    assert_eq!(written, "1 merchant written, as of revision 4");
    assert!(next.starts_with("changes since: nearby watch --from 4@"), "{next}");
    assert!(fs::read_to_string(&file).unwrap().lines().nth(1).unwrap().starts_with("a,"));
}

#[tokio::test(flavor = "multi_thread")]
async fn search_flags_select_by_service_area_box_and_polygon() {
    let circle =
        |radius_m| Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(radius_m)) });
    let shop = |id, metres, service_area| wire::Merchant { service_area, ..north(id, metres) };
    let server = server_with(&[
        shop("a", 100.0, None),
        shop("b", 200.0, circle(300.0)),
        shop("c", 9_000.0, circle(10_000.0)),
    ])
    .await;
    let directory = tempfile::tempdir().unwrap();
    let area = directory.path().join("area.geojson");
    let ring = "[[24.9,60.0015],[25.1,60.0015],[25.1,60.1],[24.9,60.1],[24.9,60.0015]]";
    fs::write(&area, format!("{{\"type\":\"Polygon\",\"coordinates\":[{ring}]}}")).unwrap();
    let area = area.to_str().unwrap();
    let search = |flags: &[&str]| run(on(&server, &AT).args(flags));
    for (flags, expected) in [
        (&["--reach", "near"][..], &["a", "b"][..]),
        (&["--reach", "serving"], &["b", "c"]),
        (&["--reach", "near-or-serving"], &["a", "b", "c"]),
        (&["--box", "60.0015,24.9,60.1,25.1"], &["b"]),
        (&["--area", area], &["b"]),
        (&["--area", area, "--reach", "serving"], &["b", "c"]),
    ] {
        assert_eq!(ids(&results(&server, flags)), expected, "{flags:?}");
    }
    let table = text(&search(&["--reach", "near-or-serving", "--box", "59,24,61,26"]).stdout);
    assert!(table.contains("serves") && table.contains("was not searched"), "{table}");
    for (flags, message) in [
        (&["--box", "1,2,3"][..], "such as 60.1,24.9,60.2,25.1"),
        (&["--area", "/no/such/file"], "cannot be read"),
        (&["--box", "61,24,60,25"], "--box"),
    ] {
        let output = search(flags);
        assert!(
            !output.status.success() && text(&output.stderr).contains(message),
            "{}",
            text(&output.stderr)
        );
    }
}

#[tokio::test]
async fn search_flags_filter_by_opening_hours() {
    let open = |id, metres, start_minute, length_minutes| wire::Merchant {
        opening_hours: Some(wire::OpeningHours {
            time_zone: "Europe/Helsinki".to_owned(),
            weekly_periods: vec![wire::WeeklyPeriod {
                weekday: wire::Weekday::Monday.into(),
                start_minute,
                length_minutes,
            }],
            ..Default::default()
        }),
        ..north(id, metres)
    };
    let server = server_with(&[
        open("always", 100.0, 0, 7 * 24 * 60),
        open("mornings", 200.0, 8 * 60, 4 * 60),
        north("unknown", 300.0),
        // A minute on Monday at three in the morning.
        open("short", 400.0, 3 * 60, 1),
    ])
    .await;
    // A Monday.
    let morning = ["--open-at", "2026-01-05T09:00:00+02:00"];
    assert_eq!(ids(&results(&server, &morning)), ["always", "mornings", "unknown"]);
    let evening = ["--open-at", "2026-01-05T09:00:00-08:00"];
    assert_eq!(ids(&results(&server, &evening)), ["always", "unknown"]);
    let now = ids(&results(&server, &["--open-now"]));
    assert!(now.contains(&"always".to_owned()) && now.contains(&"unknown".to_owned()), "{now:?}");

    let all = results(&server, &[&evening[..], &["--show-closed"]].concat());
    let states: Vec<_> = all.iter().map(wire::NearbyResult::open_state).collect();
    use wire::OpenState::{Closed, Open, Unknown};
    assert_eq!(states, [Open, Closed, Unknown, Closed]);
    let table = stdout_of(on(&server, &AT).args(evening).arg("--show-closed"));
    let row = |name: &str| table.lines().find(|line| line.contains(name)).unwrap().to_owned();
    assert!(row("distance").contains(" open "), "{table}");
    let rows = ["always", "mornings", "unknown"].map(|id| row(&format!("Shop {id}")));
    assert!(
        rows[0].contains(" yes ") && rows[1].contains(" no, changes in ") && rows[2].contains(" unknown "),
        "{table}"
    );
    assert!(!stdout_of(&mut on(&server, &AT)).contains(" open "), "the column is only shown on request");
}

#[tokio::test]
async fn tables_mark_results_beyond_the_radius_and_uncertain_ones_and_count_groups() {
    let server = server_with(&[
        north("in", 100.0),
        north("mall-1", 480.0),
        north("mall-2", 480.0),
        north("mall-3", 480.0),
        north("just-out", 510.0),
        north("out", 900.0),
        north("far", 2_000.0),
    ])
    .await;
    let table = |flags: &[&str]| stdout_of(on(&server, &AT).args(["--radius", "500"]).args(flags));
    let plain = table(&[]);
    assert!(!plain.contains("merchants") && !plain.contains('>') && !plain.contains('?'), "{plain}");

    let grouped = table(&["--group"]);
    assert!(grouped.lines().any(|line| line.contains(" merchants ")), "{grouped}");
    let mall: Vec<&str> = grouped.lines().filter(|line| line.contains("mall")).collect();
    assert!(mall.len() == 1 && mall[0].contains(" 3 ") && mall[0].contains("mall-1"), "{grouped}");

    let expanded = table(&["--expand", "6"]);
    assert!(expanded.contains("> 510 m") && expanded.contains("> 900 m"), "{expanded}");
    assert!(
        expanded.contains("\n> lies beyond the radius\n") && !expanded.contains("Shop far"),
        "{expanded}"
    );
    assert_eq!(table(&["--expand", "4"]), plain, "four are within the radius");

    let inaccurate = table(&["--accuracy", "30"]);
    assert!(inaccurate.contains("? 480 m") && !inaccurate.contains("? 100 m"), "{inaccurate}");
    assert!(inaccurate.contains("\n? lies so close to an edge"), "{inaccurate}");
    assert!(inaccurate.contains("\n1 merchant lies so close outside an edge"), "{inaccurate}");
    let as_json = run(on(&server, &AT).args(["--radius", "500", "--accuracy", "30", "--json"]));
    assert_eq!(text(&as_json.stdout).lines().count(), 4, "stdout has results only");
    assert!(text(&as_json.stderr).starts_with("1 merchant lies so close"), "{}", text(&as_json.stderr));
}

#[tokio::test]
async fn field_violations_name_the_flag() {
    let server = TestServer::start().await;
    for (arguments, said) in [
        (&["search", "--at", "96,25"][..], "origin.latitude (--at): "),
        (&["search", "--at", "60,25", "--radius", "-1"], "radius_m (--radius): "),
        (&["search", "--at", "60,25", "--min-distance", "-1"], "min_distance_m (--min-distance): "),
        (&["search", "--at", "60,25", "--accuracy", "-1"], "origin.accuracy_m (--accuracy): "),
        (&["search", "--at", "60,25", "--expand", "0"], "expansion.min_results (--expand): "),
        (&["search", "--at", "60,25", "--category", ""], "filter.any_categories[0] (--category): "),
        (&["search", "--at", "60,25", "--service", ""], "filter.all_services[0] (--service): "),
        (&["export", "-", "--not-brand", ""], "filter.none_brands[0] (--not-brand): "),
        (&["watch", "--from", "9"], "export"),
        (&["hide", "unknown"], "merchant unknown"),
    ] {
        let output = run(&mut on(&server, arguments));
        assert_eq!(output.status.code(), Some(65), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[tokio::test]
async fn hide_and_show_change_visibility_and_validate_only_stores_nothing() {
    let server = server_with(&[north("a", 100.0)]).await;
    let hidden: wire::Merchant = serde_json::from_str(&stdout_of(&mut on(&server, &["hide", "a"]))).unwrap();
    assert_eq!(hidden.visibility(), wire::Visibility::Hidden);
    assert_eq!(ids(&results(&server, &[])), [""; 0]);
    let stale = run(&mut on(&server, &["show", "a", "--etag", "ff"]));
    assert_eq!(stale.status.code(), Some(75), "{}", text(&stale.stderr));
    stdout_of(&mut on(&server, &["show", "merchants/a", "--etag", &hidden.etag]));
    assert_eq!(ids(&results(&server, &[])), ["a"]);

    let file = server.data_dir.with_file_name("new.json");
    fs::write(&file, serde_json::to_string(&north("new", 1.0)).unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let checked: wire::Merchant =
        serde_json::from_str(&stdout_of(&mut on(&server, &["put", "--validate-only", file]))).unwrap();
    assert!(checked.name == "merchants/new" && checked.etag.is_empty(), "{checked:?}");
    assert_eq!(ids(&results(&server, &[])), ["a"]);
    fs::write(file, serde_json::to_string(&merchant("new", 96.0, 25.0)).unwrap()).unwrap();
    let rejected = run(&mut on(&server, &["put", "--validate-only", file]));
    assert_eq!(rejected.status.code(), Some(65));
    assert!(text(&rejected.stderr).contains("merchant.position.latitude"), "{}", text(&rejected.stderr));
    let nowhere = server.data_dir.with_file_name("nowhere");
    let nothing = run(nearby().args(["put", "--validate-only", file, "--data-dir"]).arg(&nowhere));
    assert!(nothing.status.code() == Some(66) && !nowhere.exists(), "{}", text(&nothing.stderr));
}

/// A `nearby watch` process, and the lines that it prints.
struct Watching {
    child: Child,
    lines: Receiver<String>,
}

impl Watching {
    fn start(server: &TestServer, flags: &[&str]) -> Self {
        let mut command = on(server, &["watch"]);
        let mut child = command.args(flags).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let printed = BufReader::new(child.stdout.take().unwrap());
        let (sender, lines) = mpsc::channel();
        thread::spawn(move || printed.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, lines }
    }

    fn line(&self) -> String {
        self.lines.recv_timeout(TIMEOUT).unwrap()
    }

    /// Sends SIGINT, as Ctrl-C does; returns the exit code and stderr.
    fn interrupt(self) -> (Option<i32>, String) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        end_of(self.child)
    }
}

/// Waits for the exit of a process; returns its exit code and stderr.
fn end_of(mut child: Child) -> (Option<i32>, String) {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        assert!(start.elapsed() < TIMEOUT, "the process does not exit");
        thread::sleep(Duration::from_millis(5));
    }
    let ended = child.wait_with_output().unwrap();
    (ended.status.code(), text(&ended.stderr))
}

#[tokio::test]
async fn watch_prints_changes_until_it_is_interrupted_and_reports_where_to_resume() {
    let server = server_with(&[north("a", 100.0), north("b", 200.0)]).await;
    let watching = Watching::start(&server, &["--from", "1"]);
    assert_eq!(watching.line(), "2  stored   b  Shop b");
    stdout_of(&mut on(&server, &["hide", "a"]));
    assert_eq!(watching.line(), "3  hidden   a  Shop a");
    stdout_of(&mut on(&server, &["delete", "b"]));
    assert_eq!(watching.line(), "4  deleted  b");
    let (code, stderr) = watching.interrupt();
    assert_eq!((code, stderr.contains("--from 4")), (Some(0), true), "{stderr}");

    let watching = Watching::start(&server, &["--from", "2", "--json"]);
    let changes = [(); 2].map(|()| serde_json::from_str::<wire::MerchantChange>(&watching.line()).unwrap());
    assert_eq!(changes.clone().map(|change| change.revision), [3, 4]);
    let Some(wire::merchant_change::Change::Stored(hidden)) = &changes[0].change else {
        panic!("{changes:?}")
    };
    assert!(hidden.position.is_some() && hidden.create_time.is_some(), "the whole merchant: {hidden:?}");
    assert_eq!(watching.interrupt().0, Some(0));

    // A stop of the server is an error; the message says how to resume.
    let watching = Watching::start(&server, &["--from", "3"]);
    assert_eq!(watching.line(), "4  deleted  b");
    assert_eq!(server.terminate().await.code(), Some(0));
    let (code, stderr) = end_of(watching.child);
    assert_eq!((code, stderr.contains("--from 4")), (Some(69), true), "{stderr}");
}

#[tokio::test]
async fn watch_at_a_point_prints_the_merchants_within_reach_and_their_changes() {
    let serving = Some(wire::ServiceArea { shape: Some(wire::service_area::Shape::RadiusM(10_000.0)) });
    let server =
        server_with(&[north("a", 100.0), wire::Merchant { service_area: serving, ..north("b", 9_000.0) }])
            .await;
    let at = ["--at", "60,25"];
    let near = Watching::start(&server, &at);
    let serving = Watching::start(&server, &[&at[..], &["--reach", "serving"]].concat());
    let either = Watching::start(&server, &[&at[..], &["--reach", "near-or-serving", "--json"]].concat());
    assert_eq!(near.line(), "2  entered     100 m  a  Shop a");
    assert_eq!(serving.line(), "2  entered   9.00 km  b  Shop b");
    let set: wire::WatchNearbyResponse = serde_json::from_str(&either.line()).unwrap();
    assert_eq!(set.entered.iter().map(|result| result.serves_origin).collect::<Vec<_>>(), [false, true]);
    stdout_of(&mut on(&server, &["hide", "a"]));
    stdout_of(&mut on(&server, &["delete", "b"]));
    assert_eq!(near.line(), "3  left               a");
    assert_eq!(serving.line(), "4  left               b");
    for watching in [near, serving, either] {
        assert_eq!(watching.interrupt(), (Some(0), String::new()));
    }
    for (flags, code, expected) in [
        (&["--reach", "serving"][..], 64, "--at LAT,LON"),
        (&["--at", "60,25", "--from", "1"], 64, "--from"),
        (&["--at", "60,25", "--radius", "-1"], 65, "--radius"),
        (&["--at", "60,25", "--limit", "-1"], 65, "--limit"),
        (&["--at", "0,0"], 65, "--at"),
    ] {
        let output = run(on(&server, &["watch"]).args(flags));
        assert_eq!(
            (output.status.code(), text(&output.stderr).contains(expected)),
            (Some(code), true),
            "{output:?}"
        );
    }
}

#[tokio::test]
async fn watch_exits_when_its_pipe_is_closed() {
    let server = server_with(&[north("a", 100.0)]).await;
    let mut command = on(&server, &["watch", "--from", "0"]);
    let mut watching = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(watching.stdout.take());
    assert_eq!(end_of(watching).0, Some(0));
}

#[test]
fn an_endpoint_that_is_no_nearby_server_is_reported_as_unavailable() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            drop(stream.write_all(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n"));
        }
    });
    for arguments in [&AT[..], &["get", "x"], &["watch"], &["export", "-"]] {
        let output = run(nearby().args(arguments).args(["--server", &address]));
        assert_eq!(output.status.code(), Some(69), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains("connection"), "{arguments:?}: {}", text(&output.stderr));
    }
}

#[test]
fn exit_codes_follow_sysexits() {
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
        (vec!["search", "--at", "1,2", "--open-at", "noon"], 64, "such as 2026-01-05T18:00:00+02:00"),
        (vec!["search", "--at", "1,2", "--open-now", "--open-at", "2026-01-05T18:00:00Z"], 64, "--open-now"),
        (vec!["search", "--at", "1,2", "--show-closed"], 64, "--open-now|--open-at"),
        (vec!["watch", "--data-dir", nowhere], 64, "--data-dir"),
        (vec!["watch", "--server", "127.0.0.1:1"], 69, "or name another with --server\n"),
        (vec!["watch", "--server", "two words"], 64, "two words"),
        (vec!["search", "--at", "1,2", "--server", "http://127.0.0.1:1"], 69, "nearby serve"),
        (vec!["import", nowhere], 66, "cannot read"),
        (vec!["search", "--at", "1,2", "--data-dir", nowhere], 66, "no store"),
        (vec!["search", "--at", "1,2", "--data-dir", env!("CARGO_MANIFEST_DIR")], 66, "no store"),
        (vec!["import", "file.xyz"], 64, "--format"),
        (vec!["import", headless], 65, "no column id"),
        (vec!["import", headless, "--rejected", headless], 64, "--rejected"),
        (vec!["search", "--at", "1,2", "--server", "ftp://127.0.0.1:1"], 64, "https://"),
        (vec!["search", "--at", "1,2", "--server", "127.0.0.1:1"], 69, "127.0.0.1:1"),
        (vec!["serve", "--listen", "nonsense"], 78, "--listen"),
        (vec!["serve", "--max-radius-m", "60000"], 78, "50000"),
        (vec!["serve", "--config", nowhere], 78, "nowhere.csv"),
        (vec!["--log", "a=b=c", "get", "x"], 64, "--log"),
    ] {
        let output = run(nearby().args(&arguments));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", text(&output.stderr));
        assert!(text(&output.stderr).contains(said), "{arguments:?}: {}", text(&output.stderr));
    }
    assert_eq!(run(nearby().arg("--help")).status.code(), Some(0));
}

/// Stores that earlier versions filled from a file can hold hours that were read wrongly.
#[tokio::test]
async fn hours_that_differ_from_their_text_are_listed_and_corrected() {
    let shop = |id: &str, text: &str, weekday: i32, start_minute: i32, length_minutes: i32| wire::Merchant {
        opening_hours: Some(wire::OpeningHours {
            time_zone: "Europe/Helsinki".to_owned(),
            weekly_periods: vec![wire::WeeklyPeriod { weekday, start_minute, length_minutes }],
            display_text: text.to_owned(),
            ..Default::default()
        }),
        ..north(id, 100.0)
    };
    let server = server_with(&[
        shop("right", "Mo 09:00-11:00", 1, 540, 120),
        shop("wrong", "Mo, Tu 09:00-11:00", 1, 0, 1_440),
        shop("human", "ask at the counter", 1, 540, 120),
        north("none", 200.0),
    ])
    .await;
    let listed = stdout_of(&mut on(&server, &["hours"]));
    assert_eq!(listed.lines().count(), 1, "{listed}");
    assert!(listed.starts_with("merchants/wrong\tMo, Tu 09:00-11:00\t"), "{listed}");
    let hours = |id: &str| {
        let text = stdout_of(&mut on(&server, &["get", id]));
        serde_json::from_str::<wire::Merchant>(&text).unwrap().opening_hours.unwrap()
    };
    assert_eq!(hours("wrong").osm_expression, "", "listing changes nothing");
    let fixed = run(&mut on(&server, &["hours", "--fix"]));
    assert!(text(&fixed.stderr).contains("1 merchant corrected"), "{}", text(&fixed.stderr));
    assert_eq!(hours("wrong").osm_expression, "Mo, Tu 09:00-11:00");
    assert_eq!((hours("wrong").weekly_periods.len(), hours("right").weekly_periods.len()), (0, 1));
    assert_eq!(stdout_of(&mut on(&server, &["hours"])), "");
}
