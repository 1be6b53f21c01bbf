//! SIGHUP: the server reloads certificates, keys and the log filter at once, whether they have changed or not.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
    time::Duration,
};

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

/// Puts something that cannot be read as a file in the place of another.
fn replace_by(path: &str, what: &str) {
    drop(fs::remove_file(path).or_else(|_| fs::remove_dir(path)));
    match what {
        "a FIFO" => assert!(Command::new("mkfifo").arg(path).status().unwrap().success()),
        "a directory" => fs::create_dir(path).unwrap(),
        _ => fs::write(path, vec![b'x'; 5 << 20]).unwrap(),
    }
}

#[tokio::test]
async fn files_that_cannot_be_read_neither_block_nor_replace_what_is_in_use() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let (certificate, key) = CertificateAuthority::new().unwrap().issue("localhost").unwrap();
    fs::write(path("cert.pem"), certificate).unwrap();
    fs::write(path("key.pem"), key).unwrap();
    let add = |name: &str| {
        run(nearby().args(["keys", "add", name, "--role", "operate", "--keys", &path("keys.toml")]))
    };
    assert!(add("one").status.success());
    let jwk = r#"{"kty":"OKP","crv":"Ed25519","kid":"k","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
    fs::write(path("jwks.json"), format!(r#"{{"keys":[{jwk}]}}"#)).unwrap();
    fs::set_permissions(path("keys.toml"), fs::Permissions::from_mode(0o644)).unwrap();
    let server = ServerCommand::new(Path::new(NEARBY), &directory.path().join("data"))
        .args([flags::ADMIN_LISTEN, "127.0.0.1:0", "--keys", &path("keys.toml")])
        .args(["--jwt-keys", &path("jwks.json"), "--jwt-issuer", "i", "--jwt-audience", "a"])
        .args(["--tls-cert", &path("cert.pem"), "--tls-key", &path("key.pem")])
        .spawn()
        .unwrap()
        .ready(Duration::from_secs(60))
        .await
        .unwrap_or_else(|error| panic!("{error}"));
    let admin = admin::admin_url_in(&server.output());
    let has_failed = async |file: &str| {
        let series = format!("nearby_last_reload_successful{{file=\"{file}\"}} 0");
        admin::get(format!("{admin}/metrics")).await.1.contains(&series)
    };
    let lines = |reason: &str, file: &str| {
        server.output().lines().filter(|line| line.contains(reason) && line.contains(file)).count()
    };
    assert_eq!(lines("API key file is accessible to all users", "keys.toml"), 1);

    let files = [("keys.toml", "api_keys"), ("jwks.json", "jwks"), ("key.pem", "certificates")];
    for (file, _) in files {
        fs::copy(path(file), path(&format!("{file}.good"))).unwrap();
    }
    for (what, reason) in [("a FIFO", "a FIFO"), ("a directory", "a directory"), ("too large", "larger than")]
    {
        for (file, _) in files {
            replace_by(&path(file), what);
        }
        for (file, name) in files {
            wait_until(reason, async || lines(reason, file) > 0 && has_failed(name).await).await;
        }
    }
    for (file, name) in files {
        for reason in ["a FIFO and not a regular file", "a directory and not a regular file", "larger than"] {
            assert_eq!(lines(reason, file), 1, "one line for each change: {file} {reason}");
        }
        fs::remove_file(path(file)).unwrap();
        symlink(path(&format!("{file}.good")), path(file)).unwrap();
        wait_until("a link to a good file is not read", async || !has_failed(name).await).await;
    }
    // A link is followed by the command that adds keys, and by the server.
    let two = text(&add("two").stdout).trim().to_owned();
    let set_log = async || admin::request("PUT", format!("{admin}/log"), Some(two.clone()), "info").await.0;
    wait_until("a new key is not accepted", async || set_log().await == 200).await;
    let stopped = server.terminate(Duration::from_secs(60)).await.unwrap();
    assert_eq!(stopped.and_then(|status| status.code()), Some(0));
}
