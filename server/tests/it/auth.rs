//! Authentication and authorization: every method with every role, API keys, rate limits, hidden merchants, audit log.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use nearby_proto::DESCRIPTORS;
use prost::Message;
use tonic::{Code, Request, Status, client::Grpc, metadata::MetadataValue, transport::Channel};
use tonic_types::StatusExt;

use crate::support::*;

/// Field of the audit log with the name of the principal.
const PRINCIPAL: &str = "caller";

/// Returns the paths of all methods of the contract.
pub(crate) fn methods() -> Vec<String> {
    let all = prost_types::FileDescriptorSet::decode(DESCRIPTORS).unwrap();
    let files = all.file.iter().filter(|file| file.package() == "nearby.v1");
    let services = files.flat_map(|file| &file.service);
    let of = |service: &prost_types::ServiceDescriptorProto| {
        let name = service.name().to_owned();
        let path =
            |method: &prost_types::MethodDescriptorProto| format!("/nearby.v1.{name}/{}", method.name());
        service.method.iter().map(path).collect::<Vec<_>>()
    };
    services.flat_map(of).collect()
}

/// Parses the table of ACCESS.md: for each method, which of the roles search, manage, review and operate may call it, and whether
/// a key that is limited to merchants may, with the role manage.
pub(crate) fn table() -> BTreeMap<String, [bool; 5]> {
    let document = include_str!("../../ACCESS.md");
    let rows = document.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` | "));
    let row = |(method, cells): (&str, &str)| {
        let cells: Vec<bool> = cells.trim_end_matches(" |").split(" | ").map(|cell| cell == "yes").collect();
        (method.to_owned(), cells.try_into().unwrap())
    };
    rows.map(row).collect()
}

/// A file of API keys that `nearby keys` manages.
pub(crate) struct Keys {
    pub(crate) directory: tempfile::TempDir,
}

impl Keys {
    pub(crate) fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().join("keys.toml")
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> String {
        let output = run(nearby().arg("keys").args(arguments).arg("--keys").arg(self.path()));
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    pub(crate) fn add(&self, name: &str, role: &str) -> String {
        self.run(&["add", name, "--role", role])
    }

    pub(crate) async fn server(&self, more: &[&str]) -> TestServer {
        let keys = self.path().display().to_string();
        let mut flags = vec!["--keys", &keys];
        flags.extend(more);
        TestServer::start_on(&self.directory.path().join("data"), &flags).await
    }
}

/// A request with an API key.
pub(crate) fn with<T>(key: &str, message: T) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("authorization", format!("bearer {key}").parse().unwrap());
    request
}

/// Calls a method with an empty message, which is authorized before it is checked.
async fn call(channel: &Channel, path: &str, key: Option<&str>) -> Result<(), Status> {
    let mut request = Request::new(tokio_stream::once(()));
    request.set_timeout(Duration::from_millis(500));
    if let Some(key) = key {
        let value: MetadataValue<_> = format!("Bearer {key}").parse().unwrap();
        request.metadata_mut().insert("authorization", value);
    }
    let mut client = Grpc::new(channel.clone());
    client.ready().await.unwrap();
    let path = path.parse().unwrap();
    let codec = tonic_prost::ProstCodec::<(), ()>::default();
    let response = client.streaming(request, path, codec).await?;
    response.into_inner().message().await.map(drop)
}

pub(crate) fn reason(status: &Status) -> String {
    status.get_details_error_info().map(|info| info.reason).unwrap_or_default()
}

/// Returns `true` if a call was authorized. The empty message may be rejected later.
fn is_authorized(result: &Result<(), Status>) -> bool {
    !matches!(result, Err(status) if matches!(status.code(), Code::Unauthenticated | Code::PermissionDenied))
}

#[tokio::test]
async fn every_method_requires_the_roles_of_the_table_in_access_md() {
    let (methods, table) = (methods(), table());
    let name = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    assert!(
        methods.iter().map(|path| name(path)).eq_sorted(table.keys().cloned()),
        "the table has a row for each method"
    );

    let keys = Keys::new();
    let roles = ["search", "manage", "review", "operate"];
    let valid = roles.map(|role| keys.add(role, role));
    let limited_to_ids = keys.run(&["add", "shop", "--role", "manage", "--merchants", "shop"]);
    let limited_by_label = keys.run(&["add", "chain", "--role", "manage", "--merchants-label", "owner=7"]);
    let revoked = roles.map(|role| keys.add(&format!("{role} revoked"), role));
    let expired = roles.map(|role| keys.add(&format!("{role} expired"), role));
    for key in &revoked {
        keys.run(&["revoke", key]);
    }
    // The command creates no keys that have expired.
    let text = fs::read_to_string(keys.path()).unwrap();
    let text: String = text
        .split_inclusive("[[key]]")
        .map(|key| {
            if key.contains("expired\"") {
                key.replacen("created", "expires = \"2020-01-01T00:00:00Z\"\ncreated", 1)
            } else {
                key.to_owned()
            }
        })
        .collect();
    fs::write(keys.path(), text).unwrap();

    let server = keys.server(&[]).await;
    let channel = server.channel().await;
    let mut allowed = 0;
    for path in &methods {
        let missing = call(&channel, path, None).await.unwrap_err();
        assert_eq!(
            (missing.code(), reason(&missing).as_str()),
            (Code::Unauthenticated, "CREDENTIALS_MISSING"),
            "{path}"
        );
        for (at, role) in roles.iter().enumerate() {
            let changed = format!("{}A", &valid[at][..valid[at].len() - 1]);
            let unknown = if changed == valid[at] { changed.replace('A', "B") } else { changed };
            for (key, expected) in [
                (unknown.as_str(), "CREDENTIALS_INVALID"),
                (expired[at].as_str(), "CREDENTIALS_EXPIRED"),
                (revoked[at].as_str(), "CREDENTIALS_REVOKED"),
                ("nonsense", "CREDENTIALS_INVALID"),
            ] {
                let rejected = call(&channel, path, Some(key)).await.unwrap_err();
                assert_eq!(
                    (rejected.code(), reason(&rejected).as_str()),
                    (Code::Unauthenticated, expected),
                    "{path} {role}"
                );
            }
            let result = call(&channel, path, Some(&valid[at])).await;
            assert_eq!(is_authorized(&result), table[&name(path)][at], "{path} {role}: {result:?}");
            if let Err(status) = &result
                && !is_authorized(&result)
            {
                assert_eq!(reason(status), "ROLE_MISSING", "{path} {role}");
                assert!(roles.contains(&status.get_details_error_info().unwrap().metadata["role"].as_str()));
            }
            allowed += usize::from(is_authorized(&result));
        }
        for (at, key) in [&limited_to_ids, &limited_by_label].into_iter().enumerate() {
            let result = call(&channel, path, Some(key)).await;
            let [_, may_manage, .., may_limited] = table[&name(path)];
            assert_eq!(is_authorized(&result), may_manage && may_limited, "{path} {at}: {result:?}");
            if let Err(status) = &result
                && !is_authorized(&result)
            {
                let expected = if may_manage { "KEY_LIMITED" } else { "ROLE_MISSING" };
                assert_eq!(reason(status), expected, "{path}");
            }
        }
    }
    println!("{} methods, {} roles: {allowed} allowed", methods.len(), roles.len());
    let log = fs::read_to_string(&server.log).unwrap();
    assert!(
        valid
            .iter()
            .chain(&revoked)
            .chain(&expired)
            .chain([&limited_to_ids, &limited_by_label])
            .all(|key| !log.contains(key.as_str())),
        "the log contains a key"
    );
}

trait EqSorted: Iterator<Item = String> + Sized {
    fn eq_sorted(self, other: impl Iterator<Item = String>) -> bool {
        let (mut one, mut two): (Vec<_>, Vec<_>) = (self.collect(), other.collect());
        one.sort();
        two.sort();
        one == two
    }
}

impl<I: Iterator<Item = String>> EqSorted for I {}

#[tokio::test]
async fn key_files_are_reloaded_while_the_server_runs() {
    let keys = Keys::new();
    let one = keys.add("app", "manage");
    let server = keys.server(&[]).await;
    let channel = server.channel().await;
    const LIST: &str = "/nearby.v1.MerchantService/ListMerchants";
    assert!(is_authorized(&call(&channel, LIST, Some(&one)).await));
    let two = keys.add("app", "manage");
    let is_valid = async |key: &str| is_authorized(&call(&channel, LIST, Some(key)).await);
    wait_until("a new key is not accepted", async || is_valid(&two).await).await;
    assert!(is_valid(&one).await, "both keys are valid");
    keys.run(&["revoke", &one]);
    wait_until("a revoked key is still accepted", async || !is_valid(&one).await).await;
    assert!(is_valid(&two).await);
    let listed = keys.run(&["list"]);
    assert!(listed.contains("revoked") && listed.contains("valid") && !listed.contains(&two), "{listed}");

    // The command line sends its key, and exits with EX_NOPERM if it is not valid.
    let file = keys.directory.path().join("key");
    fs::write(&file, &two).unwrap();
    let export = |key: &Path| {
        let mut command = nearby();
        command
            .args(["export", "-", "--format", "ndjson", "--server", &server.url, "--api-key-file"])
            .arg(key);
        command
    };
    assert!(run(&mut export(&file)).status.success());
    fs::write(&file, &one).unwrap();
    let output = run(&mut export(&file));
    assert_eq!(output.status.code(), Some(77), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn hidden_merchants_are_returned_only_with_the_role_manage() {
    use nearby_proto::v1 as wire;
    let keys = Keys::new();
    let (search_key, manage_key) = (keys.add("app", "search"), keys.add("office", "manage"));
    let server = keys.server(&[]).await;
    let hidden_too =
        || wire::MerchantFilter { visibility_scope: wire::VisibilityScope::All.into(), ..Default::default() };
    let mut merchants = server.merchants().await;
    for id in ["shown", "hidden"] {
        let merchant = Some(merchant(id, 60.0, 25.0));
        let create = wire::CreateMerchantRequest { merchant, ..Default::default() };
        merchants.create_merchant(with(&manage_key, create)).await.unwrap();
    }
    let name = "merchants/hidden".to_owned();
    let hide = wire::HideMerchantRequest { name: name.clone(), ..Default::default() };
    merchants.hide_merchant(with(&manage_key, hide)).await.unwrap();

    let get = wire::GetMerchantRequest { name: name.clone() };
    merchants.get_merchant(with(&manage_key, get.clone())).await.unwrap();
    assert_eq!(merchants.get_merchant(with(&search_key, get)).await.unwrap_err().code(), Code::NotFound);
    let batch = wire::BatchGetMerchantsRequest { names: vec![name], ..Default::default() };
    merchants.batch_get_merchants(with(&manage_key, batch.clone())).await.unwrap();
    assert_eq!(
        merchants.batch_get_merchants(with(&search_key, batch)).await.unwrap_err().code(),
        Code::NotFound
    );
    let all = wire::SearchNearbyRequest { filter: Some(hidden_too()), ..search(60.0, 25.0) };
    let mut searches = server.searches().await;
    let found = searches.search_nearby(with(&manage_key, all.clone())).await.unwrap().into_inner();
    assert_eq!(found.results.len(), 2);
    let rejected = searches.search_nearby(with(&search_key, all)).await.unwrap_err();
    let not_allowed = (Code::PermissionDenied, "HIDDEN_NOT_ALLOWED".to_owned());
    assert_eq!((rejected.code(), reason(&rejected)), not_allowed);
    let density = wire::GetDensityRequest {
        area: Some(wire::get_density_request::Area::Circle(wire::Circle {
            center: Some(position(60.0, 25.0)),
            radius_m: 1_000.0,
        })),
        resolution: 9,
        filter: Some(hidden_too()),
        ..Default::default()
    };
    let rejected = searches.get_density(with(&search_key, density)).await.unwrap_err();
    assert_eq!((rejected.code(), reason(&rejected)), not_allowed);
    let start = wire::WatchNearbyStart {
        origin: Some(position(60.0, 25.0)),
        filter: Some(hidden_too()),
        ..Default::default()
    };
    let step = wire::WatchNearbyRequest { step: Some(wire::watch_nearby_request::Step::Start(start)) };
    let watching = searches.watch_nearby(with(&search_key, tokio_stream::once(step))).await.unwrap();
    let rejected = watching.into_inner().message().await.unwrap_err();
    assert_eq!((rejected.code(), reason(&rejected)), not_allowed);
    let found = searches.search_nearby(with(&search_key, search(60.0, 25.0))).await.unwrap().into_inner();
    assert_eq!(found.results.len(), 1);
}

#[tokio::test]
async fn rate_limits_count_the_searches_of_a_batch_and_return_a_retry_delay() {
    use nearby_proto::v1 as wire;
    let keys = Keys::new();
    let key = keys.run(&["add", "app", "--role", "search", "--rate-per-s", "1", "--burst", "20"]);
    let other = keys.add("other", "search");
    let server = keys.server(&[]).await;
    let searches = server.searches().await;
    let batch = |key: &str, size: usize| {
        let requests = vec![search(60.0, 25.0); size];
        let mut request = Request::new(wire::BatchSearchNearbyRequest { requests });
        request.metadata_mut().insert("x-api-key", key.parse().unwrap());
        let mut searches = searches.clone();
        async move { searches.batch_search_nearby(request).await }
    };
    let rejected = batch(&key, 30).await.unwrap_err();
    assert_eq!((rejected.code(), reason(&rejected).as_str()), (Code::ResourceExhausted, "QUOTA_EXCEEDED"));
    assert!(
        rejected.get_details_retry_info().is_none(),
        "the batch exceeds the burst, so a retry never succeeds"
    );
    assert_eq!(rejected.metadata().get("grpc-retry-pushback-ms").unwrap(), "-1");
    batch(&key, 15).await.unwrap();
    let rejected = batch(&key, 15).await.unwrap_err();
    let wait = rejected.get_details_retry_info().unwrap().retry_delay.unwrap();
    assert!(wait > Duration::from_secs(3) && wait < Duration::from_secs(15), "{wait:?}");
    assert!(rejected.get_details_quota_failure().is_some());
    for _ in 0..5 {
        batch(&other, 100).await.unwrap();
    }
}

#[tokio::test]
async fn the_rate_limit_per_ip_applies_before_authentication() {
    let keys = Keys::new();
    keys.add("app", "search");
    // Health checks while the server starts count too.
    let server = keys.server(&[flags::RATE_PER_IP_PER_S, "1", flags::BURST_PER_IP, "50"]).await;
    let channel = server.channel().await;
    let mut reasons = Vec::new();
    for _ in 0..80 {
        reasons
            .push(reason(&call(&channel, "/nearby.v1.NearbyService/SearchNearby", None).await.unwrap_err()));
    }
    assert_eq!(reasons[..5], ["CREDENTIALS_MISSING"; 5]);
    assert!(reasons[5..].contains(&"QUOTA_EXCEEDED".to_owned()), "{reasons:?}");
}

#[tokio::test]
async fn the_audit_log_contains_changes_with_their_principal() {
    use nearby_proto::v1 as wire;
    let keys = Keys::new();
    let (manage, read) = (keys.add("office", "manage"), keys.add("app", "search"));
    let log = keys.directory.path().join("audit.log");
    let server = keys.server(&["--audit-log", &log.display().to_string()]).await;
    let mut merchants = server.merchants().await;
    let create = || wire::CreateMerchantRequest {
        merchant: Some(merchant("a", 60.123_456, 25.654_321)),
        ..Default::default()
    };
    merchants.create_merchant(with(&manage, create())).await.unwrap();
    merchants.create_merchant(with(&manage, create())).await.unwrap_err();
    merchants.create_merchant(with(&read, create())).await.unwrap_err();
    merchants
        .get_merchant(with(&read, wire::GetMerchantRequest { name: "merchants/a".to_owned() }))
        .await
        .unwrap();
    let delete =
        |id: u32| wire::DeleteMerchantRequest { name: format!("merchants/{id}"), ..Default::default() };
    let batch =
        wire::BatchDeleteMerchantsRequest { requests: (0..30).map(delete).collect(), ..Default::default() };
    merchants.batch_delete_merchants(with(&manage, batch)).await.unwrap_err();
    let text = fs::read_to_string(&log).unwrap();
    // The line of the call without the role has another event, which `audit` tests.
    let lines: Vec<serde_json::Value> = text
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap())
        .filter(|line| line["event"] == "call")
        .collect();
    let entries: Vec<(&str, &str, u64)> = lines
        .iter()
        .map(|line| {
            assert!(
                line[PRINCIPAL].as_str().unwrap().starts_with("office (") && line["address"] == "127.0.0.1",
                "{line}"
            );
            (
                line["method"].as_str().unwrap(),
                line["code"].as_str().unwrap(),
                line["merchants"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        entries,
        [
            ("CreateMerchant", "OK", 1),
            ("CreateMerchant", "ALREADY_EXISTS", 1),
            ("BatchDeleteMerchants", "NOT_FOUND", 30)
        ]
    );
    assert_eq!(lines[0]["names"][0], "a");
    assert!(!text.contains("60.12") && !text.contains("25.65") && !text.contains(&manage), "{text}");
}

#[tokio::test]
async fn the_audit_log_contains_changes_of_cancelled_calls() {
    use nearby_proto::v1 as wire;
    let keys = Keys::new();
    let manage = keys.add("office", "manage");
    let log = keys.directory.path().join("audit.log");
    let server = keys.server(&["--audit-log", &log.display().to_string()]).await;
    let (mut importing, reading) = (server.merchants().await, server.merchants().await);
    let (rows, stream) = tokio::sync::mpsc::channel(1);
    let row =
        wire::ImportRow { row_number: 1, merchant: Some(merchant("a", 60.0, 25.0)), ..Default::default() };
    let message = wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() };
    rows.send(message).await.unwrap();
    let request = with(&manage, tokio_stream::wrappers::ReceiverStream::new(stream));
    let call = tokio::spawn(async move { importing.import_merchants(request).await });
    let get = || with(&manage, wire::GetMerchantRequest { name: "merchants/a".to_owned() });
    let is_stored = async || reading.clone().get_merchant(get()).await.is_ok();
    wait_until("the row is never stored", is_stored).await;
    // The row is stored and the call is in flight when its client cancels it.
    assert_eq!(fs::read_to_string(&log).unwrap(), "");
    call.abort();
    let has_entry = async || fs::read_to_string(&log).unwrap().ends_with('\n');
    wait_until("the call is not in the audit log", has_entry).await;
    let text = fs::read_to_string(&log).unwrap();
    // To the handler a reset stream is a stream that has ended, if it reads before the call is dropped.
    let line: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert!(
        line["method"] == "ImportMerchants" && line["merchants"] == 1 && line["names"][0] == "a",
        "{line}"
    );
    assert!(line["code"] == "CANCELLED" || line["code"] == "OK", "{line}");
}
