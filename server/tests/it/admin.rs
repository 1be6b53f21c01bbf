//! The admin endpoint: metrics, health, status and log level, and what the log contains.

use std::{collections::BTreeSet, fmt::Debug, fs, process::Command, str::FromStr};

use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use nearby_proto::v1 as wire;
use prost::bytes::Bytes;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::support::*;

/// Log message of the admin endpoint, with its address.
const LISTENING: &str = "admin endpoint listening";

/// Log message about a slow search.
const SLOW_SEARCH: &str = "slow search";

/// Returns the URL of a server's admin endpoint, from its log. The endpoint listens before the server is ready.
pub(crate) fn admin_url(server: &TestServer) -> String {
    admin_url_in(&fs::read_to_string(&server.log).unwrap())
}

/// Returns the URL of an admin endpoint from the log of its server.
pub(crate) fn admin_url_in(log: &str) -> String {
    let line = log
        .lines()
        .rev()
        .find(|line| line.contains(LISTENING))
        .unwrap_or_else(|| panic!("no admin endpoint in the log: {log}"));
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    format!("http://{}", line["address"].as_str().unwrap())
}

/// Sends a request; returns the status and the body of the response.
pub(crate) async fn request(
    method: &'static str,
    url: String,
    key: Option<String>,
    body: &'static str,
) -> (u16, String) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut builder = http::Request::builder().method(method).uri(url);
    if let Some(key) = key {
        builder = builder.header("authorization", format!("Bearer {key}"));
    }
    let response = client.request(builder.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

pub(crate) async fn get(url: String) -> (u16, String) {
    request("GET", url, None, "").await
}

/// The value of a series in the text of `/metrics`.
pub(crate) fn value_of<T: FromStr<Err: Debug>>(text: &str, series: &str) -> T {
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{series} is missing:\n{text}")).parse().unwrap()
}

/// The value of a series that counts, at an admin endpoint.
pub(crate) async fn metric(admin: &str, series: &str) -> u64 {
    let (_, text) = get(format!("{admin}/metrics")).await;
    value_of(&text, series)
}

const ADMIN: [&str; 2] = [flags::ADMIN_LISTEN, "127.0.0.1:0"];

/// Starts a server with an admin endpoint; returns its URL too.
async fn server(directory: &tempfile::TempDir, more: &[&str]) -> (TestServer, String) {
    let server = TestServer::start_on(&directory.path().join("data"), &[&ADMIN[..], more].concat()).await;
    let admin = admin_url(&server);
    (server, admin)
}

#[tokio::test]
async fn metrics_count_calls_and_pass_promtool() {
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server(&directory, &[]).await;
    for (path, expected) in [("live", "alive\n"), ("ready", "ready\n")] {
        assert_eq!(get(format!("{admin}/{path}")).await, (200, expected.to_owned()));
    }
    let mut merchants = server.merchants().await;
    for number in 0..3 {
        let merchant = Some(merchant(&format!("m{number}"), 60.0, 25.0));
        let create = wire::CreateMerchantRequest { merchant, ..Default::default() };
        merchants.create_merchant(create).await.unwrap();
    }
    let mut searches = server.searches().await;
    searches.search_nearby(search(60.0, 25.0)).await.unwrap();
    searches.search_nearby(search(95.0, 25.0)).await.unwrap_err();
    let backup = directory.path().join("backups");
    let before = i64::try_from(std::time::UNIX_EPOCH.elapsed().unwrap().as_secs()).unwrap();
    let backed_up = run(nearby().args(["backup", "--server", &server.url]).arg(backup));
    assert!(backed_up.status.success(), "{backed_up:?}");
    let requests = vec![search(60.0, 25.0); 5];
    searches.batch_search_nearby(wire::BatchSearchNearbyRequest { requests }).await.unwrap();
    let (status, text) = get(format!("{admin}/metrics")).await;
    assert_eq!(status, 200);
    let value = |series: &str| value_of::<f64>(&text, series);
    let handled = |service: &str, method: &str, code: &str| {
        value(&format!(
            r#"grpc_server_handled_total{{grpc_code="{code}",grpc_method="{method}",grpc_service="nearby.v1.{service}"}}"#
        ))
    };
    assert_eq!(handled("MerchantService", "CreateMerchant", "OK"), 3.0);
    assert_eq!(handled("NearbyService", "SearchNearby", "OK"), 1.0);
    assert_eq!(handled("NearbyService", "SearchNearby", "INVALID_ARGUMENT"), 1.0);
    assert_eq!(handled("NearbyService", "BatchSearchNearby", "OK"), 1.0);
    for (series, expected) in [
        (r#"nearby_index_merchants{visibility="visible"}"#, 3.0),
        ("nearby_index_revision", 3.0),
        (r#"nearby_searches_total{filtered="false"}"#, 6.0),
        ("nearby_search_results_sum", 18.0),
        ("nearby_commit_commands_sum", 3.0),
        ("nearby_panics_total", 0.0),
        ("nearby_writable", 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    assert!(value("nearby_connections") >= 1.0 && value("nearby_commit_seconds_count") >= 1.0);
    assert!(value("nearby_last_backup_timestamp_seconds") >= before as f64);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert_has_all_dashboard_series(&text);

    let output = run(nearby().args(["status", "--seconds", "0.2", flags::STATUS_ADMIN, &admin]));
    let status = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && status.contains("ready") && status.contains("3 visible"), "{status}");
    let output = run(nearby().args(["status", flags::STATUS_ADMIN, "http://127.0.0.1:1"]));
    assert_eq!(output.status.code(), Some(69));
    check_with_promtool(&text);
}

/// Asserts that every series of the dashboard and the alert rules is exported.
fn assert_has_all_dashboard_series(text: &str) {
    let exported: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let dashboard: serde_json::Value =
        serde_json::from_str(include_str!("../../monitoring/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut expressions: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(expressions.len() > 30, "{}", expressions.len());
    expressions.push(include_str!("../../monitoring/alerts.yaml"));
    let is_name_character = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut count = 0;
    for name in
        expressions.iter().flat_map(|expression| expression.split(|character| !is_name_character(character)))
    {
        let is_metric = ["nearby_", "grpc_server_", "process_"].iter().any(|start| name.starts_with(start));
        let base = name.strip_suffix("_bucket").unwrap_or(name);
        // Those of nodes of a cluster are compared by a test of their module.
        let is_metric = is_metric && !name.starts_with("nearby_cluster_");
        assert!(!is_metric || exported.contains(base), "{name} is used but not exported");
        count += usize::from(is_metric);
    }
    assert!(count > 40, "{count}");
}

/// Checks the format of metrics with `promtool`, if it is installed. With NEARBY_PROMTOOL set, as in the gate, it must be.
fn check_with_promtool(text: &str) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("metrics");
    fs::write(&file, text).unwrap();
    let checked =
        Command::new("promtool").args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()).output();
    match checked {
        Ok(output) => {
            let output_text = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{output_text}");
        }
        Err(error) => {
            assert!(
                std::env::var_os("NEARBY_PROMTOOL").is_none(),
                "cannot run promtool, which NEARBY_PROMTOOL requires: {error}"
            );
            println!("skipped: cannot run promtool: {error}");
        }
    }
}

#[tokio::test]
async fn the_log_level_can_be_changed_at_run_time_with_the_role_operate() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, admin) = server(&directory, &[]).await;
    let url = format!("{admin}/log");
    assert_eq!(get(url.clone()).await, (200, "trace\n".to_owned()));
    assert_eq!(request("PUT", url.clone(), None, "info,nearby_server=debug").await.0, 200);
    let (_, now) = get(url.clone()).await;
    assert!(now.contains("nearby_server=debug"), "{now}");
    let (status, message) = request("PUT", url.clone(), None, "nearby=loud").await;
    assert_eq!(status, 400, "{message}");

    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys.toml").display().to_string();
    let add = |role: &str| {
        let output = run(nearby().args(["keys", "add", role, "--role", role, "--keys", &keys]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (operate, manage) = (add("operate"), add("manage"));
    let (_server, admin) = self::server(&directory, &["--keys", &keys]).await;
    let url = format!("{admin}/log");
    for (key, expected) in
        [(None, 401), (Some("nonsense".to_owned()), 401), (Some(manage), 403), (Some(operate), 200)]
    {
        assert_eq!(request("PUT", url.clone(), key, "info").await.0, expected);
    }
}

#[tokio::test]
async fn a_filter_without_credentials_is_rejected_before_its_body_arrives() {
    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys.toml").display().to_string();
    let added = run(nearby().args(["keys", "add", "operate", "--role", "operate", "--keys", &keys]));
    assert!(added.status.success());
    let (_server, admin) = server(&directory, &["--keys", &keys]).await;
    let mut socket = TcpStream::connect(admin.trim_start_matches("http://")).await.unwrap();
    socket.write_all(b"PUT /log HTTP/1.1\r\nhost: admin\r\ncontent-length: 100\r\n\r\n").await.unwrap();
    let mut start = [0; 12];
    socket.read_exact(&mut start).await.unwrap();
    assert_eq!(text(&start), "HTTP/1.1 401");
}

#[tokio::test]
async fn slow_searches_are_logged_without_their_position() {
    let directory = tempfile::tempdir().unwrap();
    let (server, _) = server(&directory, &["--slow-search-ms", "0"]).await;
    server.searches().await.search_nearby(search(60.987_654, 25.123_456)).await.unwrap();
    let log = fs::read_to_string(&server.log).unwrap();
    let line = log.lines().find(|line| line.contains(SLOW_SEARCH)).unwrap();
    assert!(line.contains("\"results\":0") && line.contains("elapsed_ms"), "{line}");
    assert!(!line.contains("60.98") && !line.contains("25.12"), "{line}");
}

#[tokio::test]
async fn probes_are_answered_beside_idle_connections() {
    use tokio::io::AsyncWriteExt;
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server(&directory, &[]).await;
    let address = admin.strip_prefix("http://").unwrap();
    let mut idle = Vec::new();
    for number in 0..400 {
        let mut socket = tokio::net::TcpStream::connect(address).await.unwrap();
        // Some send a part of a request, some a whole one whose response they do not read.
        match number % 3 {
            1 => socket.write_all(b"GET /metrics HT").await.unwrap(),
            2 => socket.write_all(b"GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n").await.unwrap(),
            _ => {}
        }
        idle.push(socket);
        if number % 50 == 0 {
            let ready = tokio::time::timeout(TIMEOUT, get(format!("{admin}/ready"))).await;
            assert_eq!(ready.unwrap(), (200, "ready\n".to_owned()), "{number} idle connections");
        }
    }
    for path in ["live", "ready", "metrics"] {
        let answer =
            tokio::time::timeout(std::time::Duration::from_secs(20), get(format!("{admin}/{path}"))).await;
        assert_eq!(answer.unwrap().0, 200, "{path}");
    }
    drop((idle, server));
}
