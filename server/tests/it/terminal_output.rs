//! Text of others on the terminal: no command prints a character that a terminal would obey or hide.

use std::{
    fs,
    io::{Read, Write},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};

use nearby_proto::v1 as wire;

use crate::support::*;

/// Characters that the server stores in texts.
const STORED: &str = "\r\n\t\u{2028}\u{2029}\u{202e}\u{2066}\u{200f}\u{61c}\u{200b}\u{feff}";
/// Characters that only files and their names have.
const IN_FILES: &str = "\u{1b}]0;title\u{7}\u{1b}[31m\u{7f}\u{9b}\u{202e}\u{2066}\u{200b}\nnearby: forged";

/// Returns true for a character that must not be printed. Line breaks and tabs are part of the layout.
fn is_unsafe(c: char) -> bool {
    let is_layout = matches!(c, '\n' | '\t');
    let is_invisible = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}');
    (c.is_control() && !is_layout) || is_invisible
}

fn assert_safe(shown: &str, what: &str) {
    assert!(!shown.chars().any(is_unsafe), "{what}: {shown:?}");
    assert!(!shown.lines().any(|line| line.starts_with("nearby: forged")), "{what}: {shown:?}");
}

/// Runs a command, checks what it prints, and returns that.
fn printed(command: &mut Command, code: i32) -> String {
    let output = run(command);
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    let what = format!("{command:?}: {stderr}");
    assert_eq!(output.status.code(), Some(code), "{what}");
    assert_safe(&stdout, &what);
    assert_safe(&stderr, &what);
    stdout + &stderr
}

fn hostile_merchant() -> wire::Merchant {
    let name = |start: &str| format!("{start}{STORED}nearby: forged");
    wire::Merchant {
        display_name: name("name"),
        categories: vec!["cafe".to_owned()],
        address: Some(wire::PostalAddress {
            region_code: "FI".to_owned(),
            address_lines: vec![name("line")],
            ..Default::default()
        }),
        opening_hours: Some(wire::OpeningHours {
            time_zone: "Europe/Helsinki".to_owned(),
            weekly_periods: vec![wire::WeeklyPeriod { weekday: 1, start_minute: 0, length_minutes: 1_440 }],
            display_text: "Mo\t09:00-11:00\u{200b}".to_owned(),
            ..Default::default()
        }),
        ..merchant("cafe", 60.0, 25.0)
    }
}

/// Serves one hostile status of an admin endpoint per connection.
fn hostile_admin() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for mut socket in listener.incoming().flatten() {
            let mut request = [0; 4_096];
            let _ = socket.read(&mut request);
            let body = serde_json::to_string(IN_FILES).unwrap();
            let head =
                format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = socket.write_all((head + &body).as_bytes());
        }
    });
    url
}

#[tokio::test]
async fn no_command_prints_text_of_others_as_it_is() {
    let server = TestServer::start().await;
    let directory = tempfile::tempdir().unwrap();
    let hostile = |name: &str| directory.path().join(format!("{name}{IN_FILES}"));
    let on = |command: &str, arguments: &[&Path]| {
        let mut nearby = nearby();
        nearby.arg(command).args(arguments).args(["--server", &server.url]);
        nearby
    };
    let file = hostile("merchant.json");
    fs::write(&file, serde_json::to_string(&hostile_merchant()).unwrap()).unwrap();
    let stored = printed(&mut on("put", &[&file]), 0);
    let id = Path::new("cafe");
    for command in ["get", "hide", "show"] {
        let shown = printed(&mut on(command, &[id]), 0);
        let parsed: wire::Merchant = serde_json::from_str(&shown).unwrap();
        assert_eq!(parsed.display_name, hostile_merchant().display_name, "{stored}: JSON is exact");
    }
    let search = || {
        let mut search = on("search", &[]);
        search.args(["--at", "60,25"]);
        search
    };
    let table = printed(&mut search(), 0);
    assert!(table.contains("\\u202e") && table.contains("\\n"), "{table}");
    assert_eq!(printed(search().arg("--json"), 0).lines().count(), 1);
    assert_eq!(printed(&mut on("hours", &[]), 0).lines().count(), 2);
    for json in [None, Some("--json")] {
        let mut watch = on("watch", &[]);
        watch.args(["--from", "0"]).args(json).stdout(Stdio::piped());
        let mut watching = watch.spawn().unwrap();
        let mut seen = vec![0; 4_096];
        let length = watching.stdout.take().unwrap().read(&mut seen).unwrap();
        watching.kill().unwrap();
        watching.wait().unwrap();
        assert!(length > 0);
        assert_safe(&text(&seen[..length]), "watch");
    }

    // Names of files, and what is in them.
    let rows = hostile("rows.csv").with_extension("csv");
    fs::write(&rows, format!("id,name,lat,lon,\"column{IN_FILES}\"\na,A,60,25,\nb,B,north,25,\n")).unwrap();
    let report = printed(&mut on("import", &[&rows]), 0);
    assert!(report.contains("ignored columns") && report.contains("rejected rows written to"), "{report}");
    printed(&mut on("import", &[&hostile("missing").with_extension("csv")]), 66);
    printed(&mut on("export", &[&hostile("none/export").with_extension("ndjson")]), 73);
    printed(&mut on("put", &[&hostile("missing")]), 66);
    fs::write(&file, format!("{{{:?}: 1}}", "unknown").replace("unknown", "unknown\u{9b}\u{202e}\u{7f}"))
        .unwrap();
    printed(&mut on("put", &[&file]), 65);
    for command in ["get", "delete", "hide"] {
        printed(&mut on(command, &[Path::new("no\u{1b}\u{202e}\nsuch")]), 65);
    }
    printed(on("get", &[]).arg(format!("--unknown{IN_FILES}")), 64);
    let backups = hostile("backups");
    printed(&mut on("backup", &[&backups]), 0);
    let backup = fs::read_dir(&backups).unwrap().next().unwrap().unwrap().path();
    let local = |command: &str| {
        let mut nearby = nearby();
        nearby.arg(command);
        nearby
    };
    printed(local("verify").arg(&backup), 0);
    fs::write(&backup, "damaged").unwrap();
    printed(local("verify").arg(&backup), 65);
    printed(local("verify").arg(hostile("missing")), 66);
    printed(local("restore").arg(hostile("missing")).arg("--data-dir").arg(hostile("data")), 66);
    printed(local("compact").arg("--data-dir").arg(hostile("data")), 66);
    printed(local("serve").arg("--config").arg(hostile("missing")), 78);
    printed(local("status").args([flags::STATUS_ADMIN, &hostile_admin()]), 69);
    let keys = hostile("keys").with_extension("toml");
    printed(local("keys").args(["list", "--keys"]).arg(&keys), 66);
    printed(local("keys").args(["add", "app", "--role", "search", "--keys"]).arg(&keys), 0);
    let stored = fs::read_to_string(&keys).unwrap().replace("\"app\"", "\"app\\u001b\\u202e\\u009b\"");
    fs::write(&keys, stored).unwrap();
    assert!(printed(local("keys").args(["list", "--keys"]).arg(&keys), 0).contains("app\\u001b"));
}
