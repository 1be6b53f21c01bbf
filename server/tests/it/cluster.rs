//! Nodes of a cluster without brokers, and the revisions of calls. `cargo crash cluster` tests nodes with brokers.

use std::{net::TcpListener, path::Path, process::Output};

use nearby_index::UnixMicros;
use nearby_proto::v1::{self as wire, cluster_service_client::ClusterServiceClient};
use nearby_store::{Batch, DurableStore, LogPosition, Store, StoreOptions};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt;

use crate::support::*;

const CLUSTER: [u8; 16] = [0xC1; 16];

/// Makes the store of a stopped server a node's, as `nearby cluster init` does.
fn make_member(data_dir: &Path) {
    let (mut store, state) = DurableStore::open(data_dir, &StoreOptions::DEFAULT).unwrap();
    let position = LogPosition { cluster: CLUSTER, sequence: 7, hash: 8, time: UnixMicros(9), format: 1 };
    let batch = Batch {
        changes: &[],
        replaces: &[],
        completed: &[],
        forget: &[],
        deletions_since: state.digest.watermarks.deletions_since,
        position: Some(position),
    };
    store.commit(&batch).unwrap();
}

/// An address at which no broker listens.
fn no_broker() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    format!("nats://{}", listener.local_addr().unwrap())
}

fn on(data_dir: &Path, arguments: &[&str]) -> Output {
    run(nearby().args(arguments).arg("--data-dir").arg(data_dir))
}

fn reason(status: &Status) -> String {
    status.get_details_error_info().unwrap().reason
}

async fn create(server: &TestServer, id: &str) -> Result<tonic::Response<wire::Merchant>, Status> {
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant(id, 60.17, 24.94)), ..Default::default() };
    server.merchants().await.create_merchant(request).await
}

fn revision(metadata: &tonic::metadata::MetadataMap) -> u64 {
    metadata.get("nearby-revision").unwrap().to_str().unwrap().parse().unwrap()
}

fn since<T>(message: T, min_revision: &str) -> Request<T> {
    let mut request = Request::new(message);
    request.metadata_mut().insert("nearby-min-revision", min_revision.parse().unwrap());
    request
}

#[tokio::test]
async fn responses_carry_a_revision_and_requests_wait_for_one() {
    let server = TestServer::start().await;
    let created = create(&server, "a").await.unwrap();
    assert_eq!(revision(created.metadata()), 1);
    assert!(created.metadata().get("nearby-staleness-ms").is_none(), "a single node is never stale");
    let mut searches = server.searches().await;
    let found = searches.search_nearby(since(search(60.17, 24.94), "1")).await.unwrap();
    assert_eq!((revision(found.metadata()), found.get_ref().results.len()), (1, 1));

    // A request that waits is answered as soon as the revision is there.
    let mut waiting = server.searches().await;
    let waiting = tokio::spawn(async move { waiting.search_nearby(since(search(60.17, 24.94), "2")).await });
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    create(&server, "b").await.unwrap();
    assert_eq!(waiting.await.unwrap().unwrap().get_ref().results.len(), 2);

    let missing = searches.search_nearby(since(search(60.17, 24.94), "9")).await.unwrap_err();
    assert_eq!((missing.code(), reason(&missing).as_str()), (Code::Unavailable, "REVISION_NOT_REACHED"));
    assert!(missing.message().contains("revision 2") && missing.get_details_retry_info().is_some());
    let invalid = searches.search_nearby(since(search(60.17, 24.94), "x")).await.unwrap_err();
    assert_eq!(invalid.code(), Code::InvalidArgument);
    assert_eq!(invalid.get_details_bad_request().unwrap().field_violations[0].field, "nearby-min-revision");

    let mut exported =
        server.merchants().await.export_merchants(wire::ExportMerchantsRequest::default()).await;
    let stream = exported.as_mut().unwrap().get_mut();
    while stream.message().await.unwrap().is_some() {}
    assert_eq!(revision(&stream.trailers().await.unwrap().unwrap()), 2);

    let status = ClusterServiceClient::new(server.channel().await)
        .get_cluster_status(wire::GetClusterStatusRequest {})
        .await
        .unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::FailedPrecondition, "NOT_A_CLUSTER"));
}

#[tokio::test]
async fn a_directory_is_a_members_or_a_single_nodes() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = TestServer::start_on(&data, &[]).await;
    create(&server, "a").await.unwrap();
    assert!(server.terminate().await.success());

    let broker = no_broker();
    let as_node = ["serve", "--listen", "127.0.0.1:0", "--cluster", &broker, "--cluster-node", "node-1"];
    let refused = on(&data, &as_node);
    assert_eq!(refused.status.code(), Some(78));
    assert!(text(&refused.stderr).contains("belongs to no cluster: run `nearby cluster join`"));
    assert_eq!(on(&data, &["cluster", "leave"]).status.code(), Some(65), "it belongs to no cluster");

    make_member(&data);
    let refused = on(&data, &["serve", "--listen", "127.0.0.1:0"]);
    assert_eq!(refused.status.code(), Some(78));
    assert!(text(&refused.stderr).contains("or run `nearby cluster leave"), "{}", text(&refused.stderr));
    // A closed copy can be read, and not changed.
    let exported = on(&data, &["export", "-", "--format", "ndjson"]);
    assert!(exported.status.success() && text(&exported.stdout).contains("merchants/a"));
    let refused = on(&data, &["hide", "a"]);
    assert_eq!(refused.status.code(), Some(75), "{}", text(&refused.stderr));
    assert!(text(&refused.stderr).contains("the store belongs to a cluster"));

    let left = on(&data, &["cluster", "leave", "--json"]);
    assert_eq!(
        text(&left.stdout),
        "{\"cluster\":\"c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1\",\"sequence\":7}\n",
        "{}",
        text(&left.stderr)
    );
    let server = TestServer::start_on(&data, &[]).await;
    assert_eq!(revision(create(&server, "b").await.unwrap().metadata()), 2, "revisions continue");
    assert_eq!(list_ids(&mut server.merchants().await).await, ["a", "b"]);
}

#[tokio::test]
async fn a_node_without_brokers_searches_and_refuses_changes() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let server = TestServer::start_on(&data, &[]).await;
    create(&server, "a").await.unwrap();
    assert!(server.terminate().await.success());
    make_member(&data);

    let broker = no_broker();
    let server = TestServer::start_on(&data, &["--cluster", &broker, "--cluster-node", "node-1"]).await;
    let found = server.searches().await.search_nearby(search(60.17, 24.94)).await.unwrap();
    assert_eq!((found.get_ref().results.len(), revision(found.metadata())), (1, 1));
    // It waits for a few seconds at first: brokers may be about to start.
    let refused = create(&server, "b").await.unwrap_err();
    assert_eq!((refused.code(), reason(&refused).as_str()), (Code::Unavailable, "NO_QUORUM"));
    wait_until("the health says writable", async || !server.is_writable().await).await;
    let status = ClusterServiceClient::new(server.channel().await)
        .get_cluster_status(wire::GetClusterStatusRequest {})
        .await
        .unwrap()
        .into_inner();
    assert_eq!(
        (status.node.as_str(), status.cluster_id.as_str()),
        ("node-1", "c1c1c1c1-c1c1-c1c1-c1c1-c1c1c1c1c1c1")
    );
    let [node] = &status.nodes[..] else { panic!("{status:?}") };
    assert_eq!((node.applied, node.revision, node.state()), (7, 1, wire::cluster_node::State::Joining));
    let shown = tokio::task::spawn_blocking({
        let url = server.url.clone();
        move || run(nearby().args(["cluster", "status", "--json", "--server", &url]))
    });
    assert!(text(&shown.await.unwrap().stdout).contains("\"state\":\"joining\""));
    assert!(server.terminate().await.success(), "it stops without brokers");
}

#[test]
fn commands_of_a_cluster_name_what_is_missing() {
    let directory = tempfile::tempdir().unwrap();
    let data = directory.path().join("data");
    let broker = no_broker();
    let init = |arguments: &[&str]| on(&data, &[&["cluster", "init"][..], arguments].concat());
    assert_eq!(init(&[]).status.code(), Some(64));
    let unnamed = init(&["--cluster", &broker]);
    assert_eq!(unnamed.status.code(), Some(78));
    assert!(text(&unnamed.stderr).contains("--cluster-node"));
    let unreachable = init(&["--cluster", &broker, "--cluster-node", "node-1"]);
    assert_eq!(unreachable.status.code(), Some(69));
    assert!(text(&unreachable.stderr).contains(broker.trim_start_matches("nats://")));
    // The settings that the command does not use are accepted, and not shown.
    let help = text(&init(&["--help"]).stdout);
    assert!(help.contains("--data-dir") && help.contains("--cluster-nkey") && help.contains("--replicas"));
    assert!(!help.contains("--tls-cert") && !help.contains("--max-radius-m"), "{help}");
    assert!(!data.exists(), "nothing is created");
    let wrong = init(&["--cluster", &broker, "--cluster-node", "node-1", "--replicas", "2"]);
    assert_eq!(wrong.status.code(), Some(64));
    let join = on(&data, &["cluster", "join", "--cluster", &broker, "--cluster-node", "node-1"]);
    assert_eq!(join.status.code(), Some(69));
    let leave = on(&data, &["cluster", "leave"]);
    assert_eq!(leave.status.code(), Some(66), "{}", text(&leave.stderr));
}
