//! What operators ask, and what they are told.

use std::{
    collections::BTreeSet,
    fs,
    process::Command,
    time::{Duration, Instant},
};

use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use nearby_proto::v1 as wire;
use prost::bytes::Bytes;

use crate::support::*;

/// Where a server answers operators, as its log says.
pub(crate) async fn operations_of(server: &Server) -> String {
    let start = Instant::now();
    loop {
        let log = fs::read_to_string(&server.log).unwrap();
        let line = log.lines().rev().find(|line| line.contains("operators are answered"));
        if let Some(line) = line {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            return format!("http://{}", line["address"].as_str().unwrap());
        }
        assert!(start.elapsed() < Duration::from_secs(60), "operators are never answered");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// The status and the text of an answer.
async fn ask(method: &'static str, url: String, key: Option<String>, body: &'static str) -> (u16, String) {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let mut request = http::Request::builder().method(method).uri(url);
    if let Some(key) = key {
        request = request.header("authorization", format!("Bearer {key}"));
    }
    let response = client.request(request.body(body.into()).unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.into()).unwrap())
}

pub(crate) async fn get(url: String) -> (u16, String) {
    ask("GET", url, None, "").await
}

const OPERATIONS: [&str; 2] = ["--operations-listen", "127.0.0.1:0"];

async fn server(directory: &tempfile::TempDir, more: &[&str]) -> (Server, String) {
    let server = Server::start_on(&directory.path().join("data"), &[&OPERATIONS[..], more].concat()).await;
    let operations = operations_of(&server).await;
    (server, operations)
}

#[tokio::test]
async fn metrics_say_what_happened() {
    let directory = tempfile::tempdir().unwrap();
    let (server, operations) = server(&directory, &[]).await;
    for (path, expected) in [("live", "alive\n"), ("ready", "ready\n")] {
        assert_eq!(get(format!("{operations}/{path}")).await, (200, expected.to_owned()));
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
    let requests = vec![search(60.0, 25.0); 5];
    searches.batch_search_nearby(wire::BatchSearchNearbyRequest { requests }).await.unwrap();
    let (status, text) = get(format!("{operations}/metrics")).await;
    assert_eq!(status, 200);
    let value = |series: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
        line.unwrap_or_else(|| panic!("{series} is not told:\n{text}")).parse::<f64>().unwrap()
    };
    let of = |service: &str, method: &str, code: &str| {
        value(&format!(
            r#"grpc_server_handled_total{{grpc_code="{code}",grpc_method="{method}",grpc_service="nearby.v1.{service}"}}"#
        ))
    };
    assert_eq!(of("MerchantService", "CreateMerchant", "OK"), 3.0);
    assert_eq!(of("NearbyService", "SearchNearby", "OK"), 1.0);
    assert_eq!(of("NearbyService", "SearchNearby", "INVALID_ARGUMENT"), 1.0);
    assert_eq!(of("NearbyService", "BatchSearchNearby", "OK"), 1.0);
    for (series, expected) in [
        (r#"nearby_index_merchants{visibility="visible"}"#, 3.0),
        ("nearby_index_revision", 3.0),
        (r#"nearby_searches_total{filtered="false"}"#, 6.0),
        ("nearby_search_results_sum", 18.0),
        ("nearby_commit_commands_sum", 3.0),
        ("nearby_panics_total", 0.0),
        ("nearby_takes_changes", 1.0),
    ] {
        assert_eq!(value(series), expected, "{series}");
    }
    assert!(value("nearby_connections") >= 1.0 && value("nearby_commit_seconds_count") >= 1.0);
    assert!(value("process_resident_memory_bytes") > 1e6);
    assert_all_are_told(&text);

    let output = run(nearby().args(["status", "--seconds", "0.2", "--operations", &operations]));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && told.starts_with("ready") && told.contains("3 visible"), "{told}");
    let output = run(nearby().args(["status", "--operations", "http://127.0.0.1:1"]));
    assert_eq!(output.status.code(), Some(69));
    check_with_promtool(&text);
}

/// Whatever the dashboard and the alerts ask for is there.
fn assert_all_are_told(text: &str) {
    let told: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let dashboard: serde_json::Value =
        serde_json::from_str(include_str!("../../monitoring/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked: Vec<&str> = panels
        .iter()
        .flat_map(|panel| panel["targets"].as_array().unwrap())
        .map(|target| target["expr"].as_str().unwrap())
        .collect();
    assert!(asked.len() > 30, "{}", asked.len());
    asked.push(include_str!("../../monitoring/alerts.yaml"));
    let is_of_name = |character: char| character.is_ascii_alphanumeric() || character == '_';
    let mut count = 0;
    for name in asked.iter().flat_map(|expression| expression.split(|character| !is_of_name(character))) {
        let is_metric = ["nearby_", "grpc_server_", "process_"].iter().any(|start| name.starts_with(start));
        let base = name.strip_suffix("_bucket").unwrap_or(name);
        assert!(!is_metric || told.contains(base), "{name} is asked for and never told");
        count += usize::from(is_metric);
    }
    assert!(count > 40, "{count}");
}

/// `promtool` comes with Debian's prometheus; the gate has it, other machines may not.
fn check_with_promtool(text: &str) {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("metrics");
    fs::write(&file, text).unwrap();
    let checked =
        Command::new("promtool").args(["check", "metrics"]).stdin(fs::File::open(&file).unwrap()).output();
    match checked {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr).into_owned()
                + &String::from_utf8_lossy(&output.stdout);
            assert!(output.status.success(), "{said}");
        }
        Err(error) => {
            assert!(std::env::var_os("NEARBY_PROMTOOL").is_none(), "promtool must be here: {error}");
            println!("promtool is not here: {error}");
        }
    }
}

#[tokio::test]
async fn the_log_is_set_while_the_server_runs_by_those_who_may() {
    let directory = tempfile::tempdir().unwrap();
    let (_server, operations) = server(&directory, &[]).await;
    let url = format!("{operations}/log");
    assert_eq!(get(url.clone()).await, (200, "trace\n".to_owned()));
    assert_eq!(ask("PUT", url.clone(), None, "info,nearby_server=debug").await.0, 200);
    let (_, now) = get(url.clone()).await;
    assert!(now.contains("nearby_server=debug"), "{now}");
    let (status, said) = ask("PUT", url.clone(), None, "nearby=loud").await;
    assert_eq!(status, 400, "{said}");

    let directory = tempfile::tempdir().unwrap();
    let keys = directory.path().join("keys.toml").display().to_string();
    let add = |role: &str| {
        let output = run(nearby().args(["keys", "add", role, "--role", role, "--keys", &keys]));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let (operate, manage) = (add("operate"), add("manage"));
    let (_server, operations) = self::server(&directory, &["--keys", &keys]).await;
    let url = format!("{operations}/log");
    for (key, expected) in
        [(None, 401), (Some("nonsense".to_owned()), 401), (Some(manage), 403), (Some(operate), 200)]
    {
        assert_eq!(ask("PUT", url.clone(), key, "info").await.0, expected);
    }
}

#[tokio::test]
async fn slow_searches_are_told_without_where_they_were() {
    let directory = tempfile::tempdir().unwrap();
    let (server, _) = server(&directory, &["--slow-search-ms", "0"]).await;
    server.searches().await.search_nearby(search(60.987_654, 25.123_456)).await.unwrap();
    let log = fs::read_to_string(&server.log).unwrap();
    let line = log.lines().find(|line| line.contains("a slow search")).unwrap();
    assert!(line.contains("\"results\":0") && line.contains("elapsed_ms"), "{line}");
    assert!(!line.contains("60.98") && !line.contains("25.12"), "{line}");
}
