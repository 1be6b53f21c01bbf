//! The files of the page, and what it reads of the settings.

use std::io::Read;

use super::*;

fn get(server: &HttpServer, path: &str) -> http::request::Builder {
    Request::get(format!("http://{}{path}", server.address))
}

#[tokio::test]
async fn the_page_comes_from_the_binary() {
    let server = HttpServer::start(&[]).await;
    let page = server.send(get(&server, "/"), "").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.text.contains("<title>Nearby</title>"));
    assert!(page.header("content-security-policy").starts_with("default-src 'self';"));
    assert_eq!((page.header("cache-control"), page.header("x-frame-options")), ("no-cache", "DENY"));
    // Whatever the page refers to is there.
    let references: Vec<&str> =
        page.text.split(['"', '\'']).filter(|text| text.contains('.') && !text.contains(' ')).collect();
    assert!(references.len() >= 5, "{references:?}");
    for path in references {
        let file = server.send(get(&server, &format!("/{path}")), "").await;
        assert_eq!(file.status, StatusCode::OK, "{path}");
        assert_eq!(file.header("x-content-type-options"), "nosniff");
    }
    assert!(
        !page.text.contains("style=") && !page.text.contains("<style") && !page.text.contains(" onclick")
    );
}

#[tokio::test]
async fn files_are_cached_by_their_content() {
    let server = HttpServer::start(&[]).await;
    let vendored = "/vendor/maplibre-gl-6.17.0/maplibre-gl.css";
    let plain = server.send(get(&server, vendored), "").await;
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let compressed = server.open(get(&server, vendored).header("accept-encoding", "br, gzip"), "").await;
    let header = |name: &str| compressed.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(
        (header("content-encoding"), header("vary")),
        ("gzip".to_owned(), "accept-encoding".to_owned())
    );
    let etags = [plain.header("etag").to_owned(), header("etag")];
    assert_ne!(etags[0], etags[1], "another representation has another strong validator");
    let body = compressed.into_body().collect().await.unwrap().to_bytes();
    let mut text = String::new();
    flate2::read::GzDecoder::new(&*body).read_to_string(&mut text).unwrap();
    assert!(text == plain.text && body.len() * 3 < text.len());

    let again = get(&server, vendored).header("if-none-match", format!("\"other\", {}", etags[0]));
    let again = server.send(again, "").await;
    assert_eq!((again.status, again.text.as_str()), (StatusCode::NOT_MODIFIED, ""));
    assert_eq!(again.header("etag"), etags[0]);
    let other = server.send(get(&server, vendored).header("if-none-match", "\"other\""), "").await;
    assert_eq!(other.status, StatusCode::OK);
    let head = Request::head(format!("http://{}{vendored}", server.address));
    let head = server.send(head, "").await;
    assert_eq!((head.status, head.text.as_str(), head.header("etag")), (StatusCode::OK, "", &*etags[0]));
}

#[tokio::test]
async fn no_path_reaches_the_file_system() {
    let server = HttpServer::start(&[]).await;
    for path in [
        "/../Cargo.toml",
        "/js/../../Cargo.toml",
        "/js/%2e%2e/%2e%2e/Cargo.toml",
        "/js/..%2f..%2fCargo.toml",
        "/etc/passwd",
        "//etc/passwd",
        "/tools/base_map.py",
        "/js/",
        "/js",
        "/index.html/",
        "/INDEX.HTML",
    ] {
        let answer = server.send(get(&server, path), "").await;
        assert!(answer.status.is_client_error(), "{path}: {}", answer.status);
    }
    let with_method =
        |method: &str| Request::builder().method(method).uri(format!("http://{}/index.html", server.address));
    for method in ["POST", "PUT", "DELETE"] {
        let answer = server.send(with_method(method), "").await;
        assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method}");
    }
    // A preflight request, which allows nothing without an origin of the operator.
    let preflight = server.send(with_method("OPTIONS"), "").await;
    assert_eq!((preflight.text.as_str(), preflight.header("access-control-allow-origin")), ("", ""));
}

#[tokio::test]
async fn the_page_can_be_turned_off() {
    let server = HttpServer::start(&["--no-http-page"]).await;
    for path in ["/", "/index.html", "/config.json", "/js/app.js"] {
        assert!(server.send(get(&server, path), "").await.status.is_client_error(), "{path}");
    }
    assert_eq!(server.call(SEARCH, &search_json()).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_reads_the_settings_of_the_operator() {
    let server =
        HttpServer::start(&["--max-radius-m", "20000", "--photo-origins", "https://photos.test"]).await;
    let config = server.send(get(&server, "/config.json"), "").await.json();
    assert_eq!((&config["maxRadiusM"], &config["needsKey"]), (&json!(20_000.0), &json!(false)));
    assert_eq!(config["photoOrigins"], json!(["https://photos.test"]));
    assert_eq!((&config["map"], &config["start"]), (&Value::Null, &Value::Null));
    let area = server.send(get(&server, "/china-area.json"), "").await.json();
    assert!(area["outline"].as_array().unwrap().len() > 100 && area["taiwan"].as_array().unwrap().len() > 3);
}
