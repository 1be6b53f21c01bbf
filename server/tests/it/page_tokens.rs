//! Page tokens and revisions of servers that share the key of page tokens: they are valid within one history only.

use std::{fs, path::Path};

use nearby_proto::v1::{self as wire};
use tonic::{Code, Status};
use tonic_types::StatusExt;

use crate::support::*;

const KEY_FLAG: &str = "--page-token-key";

/// Starts a server with this key of page tokens.
async fn server(data_dir: &Path, key: &Path) -> TestServer {
    TestServer::start_on(data_dir, &[KEY_FLAG, key.to_str().unwrap()]).await
}

async fn import(server: &TestServer) {
    let rows = (0..30).map(|n| wire::ImportRow {
        row_number: n,
        merchant: Some(merchant(&format!("m{n:02}"), 60.0 + n as f64 * 1e-4, 25.0)),
        ..Default::default()
    });
    let message = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
    server.merchants().await.import_merchants(tokio_stream::iter([message])).await.unwrap();
}

fn first_page() -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { page_size: 10, ..search(60.0, 25.0) }
}

async fn page(server: &TestServer, token: &str) -> Result<wire::SearchNearbyResponse, Status> {
    let request = wire::SearchNearbyRequest { page_token: token.to_owned(), ..first_page() };
    server.searches().await.search_nearby(request).await.map(tonic::Response::into_inner)
}

fn assert_is_mismatch(status: &Status) {
    assert_eq!(status.code(), Code::OutOfRange, "{status:?}");
    assert_eq!(status.get_details_error_info().unwrap().reason, "HISTORY_MISMATCH");
}

#[tokio::test]
async fn a_server_that_shares_only_the_key_rejects_tokens_and_revisions_of_another_history() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    fs::write(&key, "5a".repeat(32) + "\n").unwrap();
    let (one, two) = (
        server(&directory.path().join("one"), &key).await,
        server(&directory.path().join("two"), &key).await,
    );
    import(&one).await;
    // The same merchants at later revisions: with the revision of a token of `one`, every merchant would count as moved since.
    import(&two).await;
    import(&two).await;

    let first = page(&one, "").await.unwrap();
    assert_eq!(page(&one, &first.next_page_token).await.unwrap().results.len(), 10);
    assert_is_mismatch(&page(&two, &first.next_page_token).await.unwrap_err());

    let list = |page_token| wire::ListMerchantsRequest { page_size: 5, page_token, ..Default::default() };
    let listed = one.merchants().await.list_merchants(list(String::new())).await.unwrap().into_inner();
    let status = two.merchants().await.list_merchants(list(listed.next_page_token)).await.unwrap_err();
    assert_is_mismatch(&status);

    let mut export = one.merchants().await.export_merchants(wire::ExportMerchantsRequest::default()).await;
    let exported = export.as_mut().unwrap().get_mut().message().await.unwrap().unwrap();
    let watch = |history_id| wire::WatchMerchantsRequest {
        revision: Some(exported.revision),
        history_id,
        ..Default::default()
    };
    let mut watched =
        one.merchants().await.watch_merchants(watch(exported.history_id.clone())).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().history_id, exported.history_id);
    let status = two.merchants().await.watch_merchants(watch(exported.history_id.clone())).await.unwrap_err();
    assert_is_mismatch(&status);
    assert!(status.message().contains("export, and watch"), "{status:?}");
    // A client that names no history is served as before.
    two.merchants().await.watch_merchants(watch(String::new())).await.unwrap();
}

#[tokio::test]
async fn a_restored_backup_and_a_copied_directory_begin_a_new_history_and_a_restart_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let key = path("key");
    fs::write(&key, "5a".repeat(32)).unwrap();
    let one = server(&path("one"), &key).await;
    import(&one).await;
    let token = page(&one, "").await.unwrap().next_page_token;
    let output = run(nearby().args(["backup", "--server", &one.url]).arg(path("backups")));
    assert!(output.status.success(), "{output:?}");
    let backup = text(&output.stdout).trim().to_owned();
    one.terminate().await;

    let one = server(&path("one"), &key).await;
    assert_eq!(page(&one, &token).await.unwrap().results.len(), 10, "a restart keeps the history");
    one.terminate().await;

    let output = run(nearby().arg("restore").arg(backup).arg("--data-dir").arg(path("restored")));
    assert!(output.status.success(), "{output:?}");
    assert_is_mismatch(&page(&server(&path("restored"), &key).await, &token).await.unwrap_err());

    let copied = std::process::Command::new("cp").arg("-a").arg(path("one")).arg(path("copy")).status();
    assert!(copied.unwrap().success());
    assert_is_mismatch(&page(&server(&path("copy"), &key).await, &token).await.unwrap_err());
}

#[test]
fn a_key_file_that_cannot_be_used_is_an_error_with_its_path_and_the_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let key = directory.path().join("key");
    fs::write(&key, "not a key\n").unwrap();
    let start = || {
        run(nearby()
            .args(["serve", "--listen", "127.0.0.1:0", KEY_FLAG])
            .arg(&key)
            .arg("--data-dir")
            .arg(directory.path().join("data")))
    };
    let failed = start();
    assert!(!failed.status.success());
    let stderr = text(&failed.stderr);
    assert!(stderr.contains(&key.display().to_string()) && stderr.contains("line 1"), "{stderr}");
    assert!(stderr.contains("openssl rand -hex 32") && !stderr.contains("not a key\n"), "{stderr}");
    fs::remove_file(&key).unwrap();
    assert!(text(&start().stderr).contains(&key.display().to_string()));
}
