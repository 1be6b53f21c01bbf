//! Authentication and roles of calls over HTTP.

use std::collections::BTreeMap;

use super::*;
use crate::auth::{Keys, methods, reason, table};

#[tokio::test]
async fn every_method_requires_the_roles_of_the_table_in_access_md_over_http_too() {
    let keys = Keys::new();
    let roles = ["search", "manage", "review", "operate"];
    let valid = roles.map(|role| keys.add(role, role));
    let revoked = keys.add("revoked", "manage");
    keys.run(&["revoke", &revoked]);
    let limited = keys.run(&["add", "shop", "--role", "manage", "--merchants", "shop"]);
    let path = keys.path().display().to_string();
    let server = HttpServer::start(&["--keys", &path]).await;
    let table: BTreeMap<String, [bool; 5]> = table();
    let mut calls = 0;
    for path in methods() {
        let name = path.rsplit('/').next().unwrap().to_owned();
        if ["WatchNearby", "StreamSearchNearby", "ImportMerchants"].contains(&name.as_str()) {
            continue;
        }
        let may = table[&name];
        let answer = async |key: Option<&str>| {
            let credentials = key.map(|key| ("authorization", format!("Bearer {key}")));
            let headers: Vec<(&str, &str)> =
                credentials.iter().map(|(name, value)| (*name, value.as_str())).collect();
            call_once(&server, &path, &headers).await
        };
        let is_authorized = |error: &Option<(String, String)>| {
            !error
                .as_ref()
                .is_some_and(|(code, _)| ["unauthenticated", "permission_denied"].contains(&code.as_str()))
        };
        let missing = answer(None).await.unwrap();
        assert_eq!(missing, ("unauthenticated".to_owned(), "CREDENTIALS_MISSING".to_owned()), "{path}");
        assert_eq!(answer(Some(&revoked)).await.unwrap().1, "CREDENTIALS_REVOKED", "{path}");
        assert_eq!(answer(Some("nonsense")).await.unwrap().1, "CREDENTIALS_INVALID", "{path}");
        for (role, key) in valid.iter().enumerate() {
            let error = answer(Some(key)).await;
            assert_eq!(is_authorized(&error), may[role], "{path} {}: {error:?}", roles[role]);
            calls += 1;
        }
        let error = answer(Some(&limited)).await;
        assert_eq!(is_authorized(&error), may[1] && may[4], "{path}: {error:?}");
    }
    println!("{calls} calls");
}

/// Makes a call with an empty message, and returns its error. One that streams responses has at most a second.
async fn call_once(server: &HttpServer, path: &str, headers: &[(&str, &str)]) -> Option<(String, String)> {
    let is_stream = ["WatchNearbyFrom", "WatchMerchants", "ExportMerchants", "BackUpMerchants"]
        .iter()
        .any(|name| path.ends_with(name));
    if !is_stream {
        let answer = server.call_with(path, &json!({}), headers).await;
        return (answer.status != StatusCode::OK).then(|| answer.code_and_reason());
    }
    let mut request = server
        .request(path)
        .header("content-type", "application/connect+json")
        .header("connect-timeout-ms", "1000");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let messages = streams::messages(server.open(request, enveloped(&json!({}))).await).await;
    let end = messages.into_iter().find(|(flags, _)| *flags == 2).unwrap().1;
    end.get("error").map(code_and_reason)
}

#[tokio::test]
async fn both_headers_of_credentials_are_accepted_and_the_key_is_in_no_log() {
    let keys = Keys::new();
    let key = keys.add("app", "search");
    let path = keys.path().display().to_string();
    let server = HttpServer::start(&["--keys", &path]).await;
    for headers in [[("authorization", format!("Bearer {key}"))], [("x-api-key", key.clone())]] {
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(server.call_with(SEARCH, &search_json(), &headers).await.status, StatusCode::OK);
    }
    let anonymous = server.call(SEARCH, &search_json()).await;
    assert_eq!(
        (anonymous.status, anonymous.header("www-authenticate")),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let log = std::fs::read_to_string(&server.server.log).unwrap();
    assert!(!log.contains(&key));
    // What a call may do is the same over both, which their errors show.
    let status = server.server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap_err();
    assert_eq!(anonymous.code_and_reason().1, reason(&status));
}
