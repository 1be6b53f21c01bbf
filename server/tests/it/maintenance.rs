//! Store maintenance: backup, restore, verification and compaction; damaged stores and full disks.

use std::{fs, path::Path, process::Output};

use nearby_proto::v1 as wire;
use tonic::Code;
use tonic_types::StatusExt;

use crate::support::*;

/// Runs a command on a path.
fn on(path: &Path, arguments: &[&str]) -> Output {
    run(nearby().args(arguments).arg(path))
}

async fn create(server: &TestServer, id: &str) -> Result<wire::Merchant, tonic::Status> {
    let request =
        wire::CreateMerchantRequest { merchant: Some(merchant(id, 60.17, 24.94)), ..Default::default() };
    Ok(server.merchants().await.create_merchant(request).await?.into_inner())
}

/// Lists the files below a directory.
fn files(directory: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files(&path, found) } else { found.push(path) }
    }
}

#[test]
fn a_data_directory_that_is_a_file_or_a_broken_link_is_reported_with_its_remedy() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    fs::write(path("file"), "content").unwrap();
    std::os::unix::fs::symlink("missing", path("link")).unwrap();
    for (name, part) in [
        ("file", "as a directory: it is a file; set another directory, or move the file away"),
        ("file/data", "file is a file; set another directory"),
        ("link", "as a directory: it is a symbolic link to missing, which does not exist"),
    ] {
        let on_store = |arguments: &[&str]| run(nearby().args(arguments).arg("--data-dir").arg(path(name)));
        for output in [
            on_store(&["serve", "--listen", "127.0.0.1:0"]),
            on_store(&["export", "-", "--format", "ndjson"]),
            on_store(&["compact"]),
        ] {
            let error = text(&output.stderr);
            assert_eq!(output.status.code(), Some(73), "{name}: {error}");
            assert!(error.contains(part), "{name}: {error}");
        }
    }
    assert_eq!(fs::read(path("file")).unwrap(), b"content");
    assert!(!path("missing").exists());
}

#[tokio::test]
async fn a_server_listens_on_a_host_name() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name);
    let mut server = nearby();
    server.args(["serve", "--listen", "localhost:0", "--data-dir"]).arg(path("data"));
    let mut server = server.arg("--address-file").arg(path("address")).spawn().unwrap();
    wait_until("the server is never ready", async || path("address").exists()).await;
    let address = fs::read_to_string(path("address")).unwrap();
    assert!(address.trim().parse::<std::net::SocketAddr>().unwrap().ip().is_loopback(), "{address}");
    let found = tokio::task::spawn_blocking(move || {
        run(nearby().args(["search", "--at", "60.17,24.94", "--server", address.trim()]))
    });
    assert_eq!(found.await.unwrap().status.code(), Some(0));
    server.kill().unwrap();
    server.wait().unwrap();
    let output = run(nearby()
        .args(["serve", "--listen", "no-such-host.invalid:1", "--data-dir"])
        .arg(directory.path()));
    let error = text(&output.stderr);
    assert_eq!(output.status.code(), Some(78), "{error}");
    assert!(error.contains("--listen") && error.contains("no-such-host.invalid"), "{error}");
}

#[tokio::test]
async fn a_backup_of_a_running_server_can_be_verified_restored_and_compacted() {
    let server = TestServer::start().await;
    for n in 0..20 {
        create(&server, &format!("m{n:02}")).await.unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    let backups = directory.path().join("backups");
    let taken = run(nearby().args(["backup", "--server", &server.url]).arg(&backups));
    assert!(taken.status.success(), "{}", text(&taken.stderr));
    assert!(
        text(&taken.stderr).starts_with("20 merchants, 20 records in all, as of revision 20, in "),
        "{taken:?}"
    );
    let path = text(&taken.stdout).trim().to_owned();
    assert!(path.ends_with("Z-r20.backup"), "{path}");
    let backup = Path::new(&path);
    let left: Vec<_> = fs::read_dir(&backups).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(left, [backup], "there are no other files");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(fs::metadata(backup).unwrap().permissions().mode() & 0o777, 0o600);
    }

    let verified = on(backup, &["verify"]);
    assert!(
        verified.status.success() && text(&verified.stdout).starts_with("20 merchants, "),
        "{verified:?}"
    );
    let data_dir = directory.path().join("restored");
    let restored = run(nearby().arg("restore").arg(backup).arg("--data-dir").arg(&data_dir));
    assert!(restored.status.success() && text(&restored.stderr).contains("20 records of 20"), "{restored:?}");
    let again = run(nearby().arg("restore").arg(backup).arg("--data-dir").arg(&data_dir));
    assert_eq!(again.status.code(), Some(73));
    assert!(text(&again.stderr).contains("is not empty"), "{again:?}");
    let compacted = run(nearby().args(["compact", "--data-dir"]).arg(&data_dir));
    assert!(
        compacted.status.success() && text(&compacted.stderr).starts_with("20 merchants"),
        "{compacted:?}"
    );
    let verified = on(&data_dir, &["verify"]);
    assert!(
        verified.status.success() && text(&verified.stdout).starts_with("20 merchants, "),
        "{verified:?}"
    );
    // Settings of a server in the environment do not apply to a command that opens a closed store.
    let mut closed = nearby();
    closed.env(flags::LISTEN_VARIABLE, "0.0.0.0:1").env(flags::ADMIN_LISTEN_VARIABLE, "192.0.2.1:1");
    let closed = run(closed.arg("backup").arg(&backups).arg("--data-dir").arg(&data_dir));
    assert!(closed.status.success(), "{}", text(&closed.stderr));

    let server = TestServer::start_on(&data_dir, &[]).await;
    assert_eq!(list_ids(&mut server.merchants().await).await.len(), 20);
    let busy = on(&data_dir, &["verify"]);
    assert_eq!(busy.status.code(), Some(75), "{busy:?}");
    assert_eq!(on(&directory.path().join("nothing"), &["verify"]).status.code(), Some(66));
}

#[tokio::test]
async fn a_damaged_store_is_refused_and_its_readable_part_is_served_and_backed_up() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    for n in 0..20 {
        create(&server, &format!("m{n:02}")).await.unwrap();
    }
    assert!(server.terminate().await.success());
    // A bit of the 11th of 20 commits. Commits after it are lost too, as they cannot be trusted.
    let journal = data_dir.join("journal/00000000000000000001.journal");
    let mut bytes = fs::read(&journal).unwrap();
    let at = bytes.windows(8).position(|window| window == b"Shop m10").unwrap();
    bytes[at] ^= 1;
    fs::write(&journal, bytes).unwrap();

    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir"];
    let rejected = on(&data_dir, &serve);
    assert_eq!(rejected.status.code(), Some(65));
    let message = text(&rejected.stderr);
    for word in
        ["is missing acknowledged commits", "nearby verify", "nearby restore", flags::SERVE_DAMAGED_READ_ONLY]
    {
        assert!(message.contains(word), "{word}: {message}");
    }
    let verified = on(&data_dir, &["verify"]);
    assert_eq!(verified.status.code(), Some(65));
    assert!(text(&verified.stdout).starts_with("10 merchants, "), "{verified:?}");

    let server = TestServer::start_on(&data_dir, &[flags::SERVE_DAMAGED_READ_ONLY]).await;
    assert_eq!(list_ids(&mut server.merchants().await).await.len(), 10);
    let rejected = create(&server, "new").await.unwrap_err();
    assert_eq!(rejected.get_error_details().error_info().unwrap().reason, "STORE_READ_ONLY");
    assert!(!server.is_writable().await);
    assert!(server.terminate().await.success());
    let backups = directory.path().join("backups");
    let salvaged = run(nearby().args(["backup", "--salvage", "--data-dir"]).arg(&data_dir).arg(&backups));
    assert!(salvaged.status.success(), "{}", text(&salvaged.stderr));
    let backup = text(&salvaged.stdout).trim().to_owned();
    let restored_dir = directory.path().join("restored");
    let restored = run(nearby().args(["restore", &backup, "--data-dir"]).arg(&restored_dir));
    assert!(restored.status.success(), "{}", text(&restored.stderr));
    let server = TestServer::start_on(&restored_dir, &[]).await;
    assert_eq!(list_ids(&mut server.merchants().await).await.len(), 10);
    create(&server, "new").await.unwrap();
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let server = TestServer::start().await;
    create(&server, "a").await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let taken = run(nearby().args(["backup", "--server", &server.url]).arg(directory.path()));
    let backup = text(&taken.stdout).trim().to_owned();
    let mut bytes = fs::read(&backup).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&backup, bytes).unwrap();
    let data_dir = directory.path().join("data");
    let rejected = run(nearby().args(["restore", &backup, "--data-dir"]).arg(&data_dir));
    assert_eq!(rejected.status.code(), Some(65), "{rejected:?}");
    let mut created = Vec::new();
    if data_dir.exists() {
        files(&data_dir, &mut created);
    }
    assert!(created.iter().all(|path| path.ends_with("LOCK")), "{created:?}");
    let unreachable =
        run(nearby().args(["backup", "--server", "127.0.0.1:9"]).arg(directory.path().join("none")));
    assert_eq!(unreachable.status.code(), Some(69), "{unreachable:?}");
}

#[tokio::test]
async fn changes_are_rejected_and_searches_served_below_the_minimum_of_free_disk_space() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &[]).await;
    create(&server, "a").await.unwrap();
    assert!(server.is_writable().await);
    assert!(server.terminate().await.success());
    // More than any disk has.
    let server = TestServer::start_on(&data_dir, &[flags::MIN_FREE_DISK_MIB, "1000000000000"]).await;
    assert!(!server.is_writable().await);
    let rejected = create(&server, "b").await.unwrap_err();
    assert_eq!(rejected.code(), Code::ResourceExhausted);
    let details = rejected.get_error_details();
    assert_eq!(details.error_info().unwrap().reason, "DISK_FULL");
    assert!(details.retry_info().unwrap().retry_delay.unwrap().as_secs() >= 1);
    let found = server.searches().await.search_nearby(search(60.17, 24.94)).await.unwrap().into_inner();
    assert_eq!(found.results.len(), 1);
}

/// A new store in the directory would overwrite what can still be read of the old one.
#[tokio::test]
async fn an_incomplete_store_is_not_replaced_by_an_empty_one() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let rows: String = (0..3_000).map(|n| format!("m{n:04},Shop,60.1,24.9\n")).collect();
    let file = directory.path().join("rows.csv");
    fs::write(&file, format!("id,name,lat,lon\n{rows}")).unwrap();
    let imported = run(nearby().arg("import").arg(&file).arg("--data-dir").arg(&data_dir));
    assert!(imported.status.success(), "{imported:?}");
    fs::remove_dir_all(data_dir.join("journal")).unwrap();

    let serve = ["serve", "--listen", "127.0.0.1:0", "--data-dir"];
    let rejected = on(&data_dir, &serve);
    assert_eq!(rejected.status.code(), Some(65));
    assert!(text(&rejected.stderr).contains("only the snapshot file"), "{rejected:?}");
    assert_eq!(on(&data_dir, &["verify"]).status.code(), Some(65));
    let backups = directory.path().join("backups");
    let salvaged = run(nearby().args(["backup", "--salvage", "--data-dir"]).arg(&data_dir).arg(&backups));
    assert!(text(&salvaged.stderr).contains("3,000 merchants"), "{salvaged:?}");
    assert!(text(&salvaged.stdout).trim().ends_with("-salvaged.backup"), "{salvaged:?}");

    // A restore can be repeated after it was interrupted, but not into a directory with other files.
    let interrupted = directory.path().join("interrupted");
    fs::create_dir_all(interrupted.join("base-00000000000000000007.unfinished")).unwrap();
    let rejected = on(&interrupted, &serve);
    assert!(text(&rejected.stderr).contains("restore again"), "{rejected:?}");
    let backup = text(&salvaged.stdout).trim().to_owned();
    let restore = |to: &Path| run(nearby().args(["restore", &backup, "--data-dir"]).arg(to));
    assert!(restore(&interrupted).status.success());
    let other = directory.path().join("other");
    fs::create_dir_all(other.join("something")).unwrap();
    assert_eq!(restore(&other).status.code(), Some(73));
}
