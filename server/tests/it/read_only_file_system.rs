//! Commands that read a store, on a read-only file system: a bind mount in a mount namespace of the command. Skipped where such a
//! namespace cannot be created.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
};

use crate::support::*;

/// Runs `nearby` with a directory mounted read-only.
fn on_read_only(directory: &Path, arguments: &[&str]) -> Output {
    const SCRIPT: &str = r#"mount --bind "$1" "$1" && mount -o remount,ro,bind "$1" && shift && exec "$@""#;
    let mut command = Command::new("unshare");
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", SCRIPT, "sh"]);
    command.arg(directory).arg(NEARBY).args(arguments);
    command.env("NEARBY_MIN_FREE_DISK_MIB", "16").env_remove("NEARBY_SCRATCH");
    run(&mut command)
}

fn can_mount() -> bool {
    let directory = tempfile::tempdir().unwrap();
    let output = on_read_only(directory.path(), &["--version"]);
    if !output.status.success() {
        println!("skipped: no read-only mount here: {}", text(&output.stderr));
    }
    output.status.success()
}

/// A closed store, whose records are in the base, in the snapshot file and, the last one, in the journal.
struct Fixture {
    directory: tempfile::TempDir,
    data: PathBuf,
}

impl Fixture {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let data = directory.path().join("mounted/data");
        let file = directory.path().join("shops.csv");
        let import = |ids: std::ops::Range<u32>| {
            let rows = ids.map(|n| format!("m{n},Shop,60.{n:04},25.0\n"));
            fs::write(&file, format!("id,name,lat,lon\n{}", rows.collect::<String>())).unwrap();
            let output = run(nearby().arg("import").arg(&file).arg("--data-dir").arg(&data));
            assert!(output.status.success(), "{output:?}");
        };
        import(0..20);
        assert!(run(nearby().arg("compact").arg("--data-dir").arg(&data)).status.success());
        import(20..21);
        Self { directory, data }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn run(&self, arguments: &[&str]) -> Output {
        on_read_only(self.data.parent().unwrap(), arguments)
    }
}

fn search(data: &str) -> [&str; 8] {
    ["search", "--at", "60.002,25", "--limit", "3", "--json", "--data-dir", data]
}

#[test]
fn closed_stores_are_verified_searched_and_backed_up_from_snapshot_file_and_journal() {
    if !can_mount() {
        return;
    }
    let fixture = Fixture::new();
    let (data, backups) = (fixture.data.to_str().unwrap(), fixture.path("backups"));
    let found = fixture.run(&search(data));
    assert!(found.status.success() && text(&found.stdout).contains("merchants/m20"), "{found:?}");

    let verified = fixture.run(&["verify", data]);
    assert!(verified.status.success(), "{verified:?}");
    assert!(text(&verified.stdout).starts_with("21 merchants"), "{verified:?}");
    assert!(text(&verified.stderr).contains("--scratch"), "the base was not verified: {verified:?}");

    let backed_up = fixture.run(&["backup", &backups, "--data-dir", data]);
    assert!(backed_up.status.success(), "{backed_up:?}");
    let backup = text(&backed_up.stdout).trim().to_owned();

    // A change is refused, and a server that is to accept changes does not start.
    let refused = fixture.run(&["hide", "m1", "--data-dir", data]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("read-only"), "{refused:?}");
    let refused = fixture.run(&["serve", "--listen", "127.0.0.1:0", "--data-dir", data]);
    assert!(!refused.status.success() && text(&refused.stderr).contains("Read-only"), "{refused:?}");

    // A backup on a read-only file system is restored elsewhere.
    let restored = fixture.path("restored");
    let output = on_read_only(Path::new(&backups), &["restore", &backup, "--data-dir", &restored]);
    assert!(output.status.success(), "{output:?}");
    assert!(run(nearby().args(search(&restored))).status.success());
}

#[test]
fn without_a_snapshot_file_the_base_is_read_from_a_copy_in_the_scratch_directory() {
    if !can_mount() {
        return;
    }
    let fixture = Fixture::new();
    fs::remove_file(fixture.data.join("image")).unwrap();
    let (data, scratch) = (fixture.data.to_str().unwrap(), fixture.path("scratch"));
    fs::create_dir(&scratch).unwrap();
    for arguments in [&search(data)[..], &["verify", data]] {
        let failed = fixture.run(arguments);
        assert_eq!(failed.status.code(), Some(78), "{failed:?}");
        let error = text(&failed.stderr);
        assert!(error.contains("--scratch") && error.contains("MB of free space"), "{error}");
        let read = fixture.run(&[arguments, &["--scratch", &scratch]].concat());
        assert!(read.status.success(), "{read:?}");
        assert!(!text(&read.stderr).contains("was not"), "{read:?}");
    }
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0, "the copy is removed");
}

#[test]
fn damaged_data_on_a_read_only_file_system_is_salvaged() {
    if !can_mount() {
        return;
    }
    let fixture = Fixture::new();
    let journal =
        fs::read_dir(fixture.data.join("journal")).unwrap().map(|entry| entry.unwrap().path()).max();
    let journal = journal.unwrap();
    let mut bytes = fs::read(&journal).unwrap();
    bytes[4_100] ^= 1;
    fs::write(&journal, bytes).unwrap();
    let (data, backups) = (fixture.data.to_str().unwrap(), fixture.path("backups"));
    assert_eq!(fixture.run(&search(data)).status.code(), Some(65));
    let salvaged = fixture.run(&["backup", "--salvage", &backups, "--data-dir", data]);
    assert!(salvaged.status.success(), "{salvaged:?}");
    assert!(text(&salvaged.stdout).contains("-salvaged.backup"), "{salvaged:?}");
}
