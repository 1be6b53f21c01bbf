//! Files of merchants over HTTP.

use super::*;
use crate::auth::Keys;

const CSV: &str = "id,name,lat,lon,phone,extra\na,A,60.1,24.9,1,x\nb,B,960.1,24.9,,\nc,C,60.2,24.9,,\n";

impl HttpServer {
    async fn import(&self, query: &str, content_type: &str, file: impl Into<Bytes>) -> Answer {
        self.send(self.request(&format!("/import{query}")).header("content-type", content_type), file).await
    }

    async fn export(&self, accept: &str, request: &Value) -> Answer {
        let call =
            self.request("/export").header("content-type", "application/json").header("accept", accept);
        self.send(call, request.to_string()).await
    }
}

fn lines(answer: &Answer) -> Vec<Value> {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
    assert_eq!(answer.header("content-type"), "application/x-ndjson");
    answer.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[tokio::test]
async fn a_file_is_imported_with_a_line_for_each_row() {
    let server = HttpServer::start(&[]).await;
    let imported = lines(&server.import("?source=crm", "text/csv; charset=utf-8", CSV).await);
    let rows: Vec<(u64, &str, &str)> = imported[..3]
        .iter()
        .map(|line| {
            (line["row"].as_u64().unwrap(), line["name"].as_str().unwrap(), line["state"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        rows,
        [(2, "merchants/a", "created"), (3, "merchants/b", "rejected"), (4, "merchants/c", "created")]
    );
    assert_eq!(imported[1]["violations"][0]["reason"], "LATITUDE_OUT_OF_RANGE");
    let expected = json!({
        "rows": 3, "created": 2, "updated": 0, "unchanged": 0, "rejected": 1, "revision": "2", "ignored": ["extra"],
    });
    assert_eq!(imported[3]["summary"], expected);
    let again = lines(&server.import("?source=crm", "text/csv", CSV).await);
    assert_eq!((&again[0]["state"], &again[3]["summary"]["unchanged"]), (&json!("unchanged"), &json!(2)));
    let stored =
        server.call("/nearby.v1.MerchantService/GetMerchant", &json!({ "name": "merchants/a" })).await.json();
    assert_eq!((&stored["source"], &stored["phone"]), (&json!("crm"), &json!("1")));
}

#[tokio::test]
async fn a_file_with_more_rows_than_a_call_takes_is_imported_whole() {
    let server = HttpServer::start(&[]).await;
    let rows: String = (0..12_345).map(|number| format!("m{number},M,60.1,24.9\n")).collect();
    let imported = lines(&server.import("", "text/csv", format!("id,name,lat,lon\n{rows}")).await);
    assert_eq!((imported.len(), &imported[12_345]["summary"]["created"]), (12_346, &json!(12_345)));
    assert_eq!(
        (&imported[12_344]["row"], &imported[12_344]["name"]),
        (&json!(12_346), &json!("merchants/m12344"))
    );
    let exported = server.export("application/x-ndjson", &json!({})).await;
    assert_eq!(exported.text.lines().count(), 12_345);
}

#[tokio::test]
async fn exports_are_imports() {
    let server = HttpServer::start(&[]).await;
    lines(&server.import("", "text/csv", CSV).await);
    for (accept, content_type) in [
        ("text/csv", "text/csv; charset=utf-8"),
        ("application/geo+json", "application/geo+json"),
        ("application/x-ndjson", "application/x-ndjson"),
    ] {
        let exported = server.export(accept, &json!({})).await;
        assert_eq!((exported.status, exported.header("content-type")), (StatusCode::OK, content_type));
        assert!(exported.header("content-disposition").starts_with("attachment; filename=\"merchants."));
        let imported = lines(&server.import("?dryRun=true", content_type, exported.text).await);
        assert_eq!(imported.last().unwrap()["summary"]["unchanged"], 2, "{accept}");
    }
    let filtered = json!({ "filter": { "text": "C" } });
    assert_eq!(server.export("*/*", &filtered).await.text.lines().count(), 1);
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let server = HttpServer::start(&[]).await;
    let imported = lines(&server.import("?dryRun=true", "text/csv", CSV).await);
    assert_eq!(imported[3]["summary"]["created"], 2);
    assert_eq!(server.export("*/*", &json!({})).await.text, "");
}

#[tokio::test]
async fn files_and_options_that_cannot_be_used_are_rejected() {
    let server = HttpServer::start(&[]).await;
    let gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0];
    for (query, content_type, file, status, expected) in [
        ("", "application/json", b"{}".to_vec(), 415, "text/csv"),
        ("", "multipart/form-data; boundary=x", Vec::new(), 415, "text/csv"),
        ("?formats=csv", "text/csv", CSV.into(), 400, "formats is not known"),
        ("?datum=mars", "text/csv", CSV.into(), 400, "datum must be"),
        ("?timeZone=Mars/Crater", "text/csv", CSV.into(), 400, "timeZone must be"),
        ("?dryRun=perhaps", "text/csv", CSV.into(), 400, "dryRun must be"),
        ("", "text/csv", b"name,lat\nA,60".to_vec(), 400, "the file cannot be read"),
        ("", "text/csv", gzip, 501, "compressed"),
        ("", "application/geo+json", b"{".to_vec(), 400, "the file cannot be read"),
        ("", "text/csv", vec![b' '; 64 * 1024 * 1024 + 1], 429, "larger than 64 MiB"),
    ] {
        let answer = server.import(query, content_type, file).await;
        assert_eq!(answer.status.as_u16(), status, "{query} {content_type}: {}", answer.text);
        assert!(answer.text.contains(expected), "{query} {content_type}: {}", answer.text);
    }
    assert_eq!(server.export("image/png", &json!({})).await.status, StatusCode::NOT_ACCEPTABLE);
    let unknown = server.export("*/*", &json!({ "filters": {} })).await;
    assert_eq!(unknown.code_and_reason().1, "INVALID_ARGUMENT");
    let form = server.request("/export").header("content-type", "application/x-www-form-urlencoded");
    assert_eq!(server.send(form, "a=b").await.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);
    for path in ["/import", "/export"] {
        let get = Request::get(format!("http://{}{path}", server.address));
        assert_eq!(server.send(get, "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    }
}

#[tokio::test]
async fn files_need_the_role_manage_and_are_audited() {
    let keys = Keys::new();
    let (search, manage) = (keys.add("app", "search"), keys.add("office", "manage"));
    let limited = keys.run(&["add", "shop", "--role", "manage", "--merchants", "c"]);
    let (path, log) = (keys.path().display().to_string(), keys.directory.path().join("audit"));
    let log_flag = log.display().to_string();
    let server = HttpServer::start(&["--keys", &path, "--audit-log", &log_flag]).await;
    let with_key = |path: &str, content_type: &str, key: &str| {
        server
            .request(path)
            .header("content-type", content_type)
            .header("authorization", format!("Bearer {key}"))
    };
    for (key, expected) in [("nonsense", 401), (search.as_str(), 403)] {
        for (path, content_type, body) in
            [("/import", "text/csv", CSV), ("/export", "application/json", "{}")]
        {
            let answer = server.send(with_key(path, content_type, key), body).await;
            assert_eq!(answer.status.as_u16(), expected, "{path}: {}", answer.text);
        }
    }
    // The body that this announces is never asked for.
    let unread = with_key("/import", "text/csv", &search).header("expect", "100-continue");
    assert_eq!(server.send(unread, CSV).await.status, StatusCode::FORBIDDEN);
    lines(&server.send(with_key("/import", "text/csv", &manage), CSV).await);
    let own = lines(&server.send(with_key("/import", "text/csv", &limited), CSV).await);
    let states: Vec<&Value> = own[..3].iter().map(|line| &line["state"]).collect();
    assert_eq!(states, ["rejected", "rejected", "unchanged"]);
    assert_eq!(own[0]["violations"][0]["reason"], "KEY_LIMITED");
    assert_eq!(
        server.send(with_key("/export", "application/json", &limited), "{}").await.code_and_reason().1,
        "KEY_LIMITED"
    );
    server.send(with_key("/export", "application/json", &manage), "{}").await;
    let audited = fs::read_to_string(log).unwrap();
    for expected in
        ["\"method\":\"ImportMerchants\"", "\"method\":\"ExportMerchants\"", "KEY_LIMITED", "office"]
    {
        assert!(audited.contains(expected), "{expected}: {audited}");
    }
}
