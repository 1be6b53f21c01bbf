//! The audit log: rejected calls and changes of keys. `auth` tests the lines of changes.

use std::{fs, path::Path};

use nearby_proto::v1 as wire;

use crate::{
    admin,
    auth::{Keys, with},
    support::*,
};

fn lines(path: &Path) -> Vec<serde_json::Value> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn the_audit_log_contains_rejected_calls_and_changes_of_keys() {
    let keys = Keys::new();
    let (search, manage, operate) =
        (keys.add("app", "search"), keys.add("office", "manage"), keys.add("ops", "operate"));
    let log = keys.directory.path().join("audit.log");
    let server =
        keys.server(&["--audit-log", &log.display().to_string(), flags::ADMIN_LISTEN, "127.0.0.1:0"]).await;
    let mut merchants = server.merchants().await;
    let list = wire::ListMerchantsRequest::default;
    let id = |key: &str| key.split('_').nth(1).unwrap().to_owned();
    let unknown = format!("nearby_{}_x", "0".repeat(8));
    // A principal without the role, a key that does not exist, no key, a text that is no key.
    merchants.list_merchants(with(&search, list())).await.unwrap_err();
    merchants.list_merchants(with(&unknown, list())).await.unwrap_err();
    merchants.list_merchants(list()).await.unwrap_err();
    merchants.list_merchants(with("nearby_forged\"_x", list())).await.unwrap_err();
    merchants.list_merchants(with(&manage, list())).await.unwrap();
    let filter = format!("{}/log", admin::admin_url(&server));
    assert_eq!(admin::request("PUT", filter.clone(), Some(search.clone()), "info").await.0, 403);
    assert_eq!(admin::request("PUT", filter, Some(operate), "trace").await.0, 200);
    let rejected = lines(&log);
    let texts = |field: &str| {
        rejected.iter().map(|line| line[field].as_str().unwrap_or_default()).collect::<Vec<_>>()
    };
    assert_eq!(texts("event"), ["rejected"; 5]);
    assert_eq!(texts("address"), ["127.0.0.1"; 5]);
    assert_eq!(texts("method")[3..], ["ListMerchants", "PUT /log"]);
    let reasons =
        ["ROLE_MISSING", "CREDENTIALS_INVALID", "CREDENTIALS_MISSING", "CREDENTIALS_INVALID", "ROLE_MISSING"];
    assert_eq!(texts("reason"), reasons);
    assert_eq!((texts("code")[0], texts("code")[1]), ("PERMISSION_DENIED", "UNAUTHENTICATED"));
    let caller = format!("app ({})", id(&search));
    assert_eq!(texts("caller"), [caller.as_str(), "", "", "", &caller]);
    assert_eq!(texts("key_id"), [&id(&search), "00000000", "", "", &id(&search)]);

    // Added, changed and removed keys.
    let added = keys.add("new", "search");
    let change = async |expected: usize| {
        wait_until("a change of keys is not logged", async || lines(&log).len() == expected).await;
        lines(&log).remove(expected - 1)
    };
    let line = change(6).await;
    assert_eq!((&line["event"], &line["source"]), (&"keys_changed".into(), &"api_keys".into()));
    assert_eq!(line["added"], serde_json::json!([format!("new ({})", id(&added))]), "{line}");
    keys.run(&["revoke", &manage]);
    let line = change(7).await;
    assert_eq!(line["changed"], serde_json::json!([format!("office ({})", id(&manage))]), "{line}");
    let text = fs::read_to_string(keys.path()).unwrap();
    let (kept, _) = text.rsplit_once("[[key]]").unwrap();
    fs::write(keys.path(), kept).unwrap();
    let line = change(8).await;
    assert_eq!(line["removed"], serde_json::json!([format!("new ({})", id(&added))]), "{line}");
    let text = fs::read_to_string(&log).unwrap();
    assert!([&search, &manage, &added, &unknown].iter().all(|key| !text.contains(key.as_str())), "{text}");
}

#[tokio::test]
async fn the_audit_log_leaves_out_rejected_calls_above_its_rate() {
    let keys = Keys::new();
    let manage = keys.add("office", "manage");
    let log = keys.directory.path().join("audit.log");
    let server = keys.server(&["--audit-log", &log.display().to_string()]).await;
    let mut merchants = server.merchants().await;
    const CALLS: u64 = 200;
    for _ in 0..CALLS {
        merchants.list_merchants(wire::ListMerchantsRequest::default()).await.unwrap_err();
    }
    let left_out = |lines: &[serde_json::Value]| -> u64 {
        lines.iter().map(|line| line["left_out"].as_u64().unwrap_or_default()).sum()
    };
    // A later line counts what was left out before it.
    let is_complete = async || {
        merchants.clone().list_merchants(wire::ListMerchantsRequest::default()).await.unwrap_err();
        left_out(&lines(&log)) > 0
    };
    wait_until("nothing is left out", is_complete).await;
    let by_second = |line: &serde_json::Value| line["time"].as_str().unwrap()[..19].to_owned();
    let mut seconds: Vec<String> = lines(&log).iter().map(by_second).collect();
    seconds.dedup();
    assert!(lines(&log).len() <= 10 * seconds.len(), "at most ten lines a second");
    // Changes are written all the same.
    let create =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 60.0, 25.0)), ..Default::default() };
    merchants.create_merchant(with(&manage, create)).await.unwrap();
    assert_eq!(lines(&log).last().unwrap()["event"], "call");
}
