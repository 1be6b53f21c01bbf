//! SIGHUP: the server reloads certificates, keys and the log filter at once, whether they have changed or not.

use std::{fs, path::Path, time::Duration};

use nearby_testkit::{CertificateAuthority, ServerCommand};

use crate::{admin, support::*};

const CERTIFICATES: &str = "certificates reloaded";
const KEYS: &str = "API keys reloaded";

#[tokio::test]
async fn sighup_reloads_certificates_keys_and_the_log_filter_of_the_settings_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (certificate, key) = CertificateAuthority::new().unwrap().issue("localhost").unwrap();
    fs::write(path("cert.pem"), certificate).unwrap();
    fs::write(path("key.pem"), key).unwrap();
    let added = run(nearby().args(["keys", "add", "app", "--role", "search", "--keys", &path("keys.toml")]));
    assert!(added.status.success());
    let configure = |log: &str| {
        let text = format!(
            "admin_listen = \"localhost:0\"\ntls_cert = {:?}\ntls_key = {:?}\nkeys = {:?}\nlog = {log:?}\n",
            path("cert.pem"),
            path("key.pem"),
            path("keys.toml"),
        );
        fs::write(path("nearby.toml"), text).unwrap();
    };
    configure("info,nearby_server=debug");
    let server = ServerCommand::new(Path::new(NEARBY), &directory.path().join("data"))
        .args(["--config", &path("nearby.toml")])
        .spawn()
        .unwrap()
        .ready(Duration::from_secs(60))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let filter = format!("{}/log", admin::admin_url_in(&server.output()));
    assert_eq!(admin::get(filter.clone()).await.1, "nearby_server=debug,info\n");
    let count = |line: &str| server.output().matches(line).count();
    assert_eq!([CERTIFICATES, KEYS].map(count), [0, 0]);

    // The files have not changed, so that only the signal can be the reason.
    configure("warn,nearby_server=info");
    server.reload().unwrap();
    wait_until("SIGHUP reloads nothing", async || [CERTIFICATES, KEYS].map(count) == [1, 1]).await;
    wait_until("the log filter stays", async || {
        admin::get(filter.clone()).await.1 == "nearby_server=info,warn\n"
    })
    .await;

    // Files that cannot be used are reported at once, and what is in use stays.
    configure("loud");
    fs::write(path("keys.toml"), "no keys").unwrap();
    server.reload().unwrap();
    for line in ["cannot reload the log filter; keeping the current one", "cannot use new API keys"] {
        wait_until(line, async || count(line) > 0).await;
    }
    assert_eq!(admin::get(filter).await.1, "nearby_server=info,warn\n");
    let stopped = server.terminate(Duration::from_secs(60)).await.unwrap();
    assert_eq!(stopped.and_then(|status| status.code()), Some(0));
}

#[tokio::test]
async fn sighup_restores_the_log_filter_of_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::ADMIN_LISTEN, "127.0.0.1:0", "--log", "debug"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let filter = format!("{}/log", admin::admin_url(&server));
    assert_eq!(admin::request("PUT", filter.clone(), None, "info").await.0, 200);
    server.reload();
    wait_until("the log filter stays", async || admin::get(filter.clone()).await.1 == "debug\n").await;
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}
