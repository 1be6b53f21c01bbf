//! Calls that stream responses.

use super::*;

/// Reads the messages of a stream until its end, with their flags.
pub(super) async fn messages(response: Response<hyper::body::Incoming>) -> Vec<(u8, Value)> {
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(response.headers()["content-type"], "application/connect+json");
    let body =
        tokio::time::timeout(TIMEOUT, response.into_body().collect()).await.unwrap().unwrap().to_bytes();
    let mut rest = &body[..];
    let mut all = Vec::new();
    while let Some((&[flags, length @ ..], after)) = rest.split_first_chunk::<5>() {
        let (message, after) = after.split_at(usize::try_from(u32::from_be_bytes(length)).unwrap());
        all.push((flags, serde_json::from_slice(message).unwrap()));
        rest = after;
    }
    assert!(rest.is_empty());
    all
}

fn stream_request(server: &HttpServer, path: &str) -> http::request::Builder {
    server.request(path).header("content-type", "application/connect+json")
}

#[tokio::test]
async fn an_export_is_a_stream_of_messages_and_an_end() {
    let server = HttpServer::start(&[]).await;
    server.create("a", 60.0, 25.0).await;
    server.create("b", 60.0, 25.0).await;
    let request = stream_request(&server, "/nearby.v1.MerchantService/ExportMerchants");
    let all = messages(server.open(request, enveloped(&json!({}))).await).await;
    let names: Vec<&Value> = all
        .iter()
        .flat_map(|(_, message)| message["merchants"].as_array().into_iter().flatten())
        .map(|merchant| &merchant["name"])
        .collect();
    assert_eq!(names, ["merchants/a", "merchants/b"]);
    let (flags, end) = all.last().unwrap();
    assert_eq!((*flags, end.get("error")), (2, None));
}

#[tokio::test]
async fn a_watch_sends_changes_until_its_timeout() {
    let server = HttpServer::start(&[]).await;
    server.create("a", 60.0, 25.0).await;
    let request = stream_request(&server, WATCH)
        .header("connect-timeout-ms", "3000")
        .header("nearby-return-cost", "true");
    let response = server.open(request, enveloped(&search_json())).await;
    server.create("b", 60.0, 25.0).await;
    let all = messages(response).await;
    let entered: Vec<&Value> = all
        .iter()
        .flat_map(|(_, message)| message["entered"].as_array().into_iter().flatten())
        .map(|result| &result["merchant"]["name"])
        .collect();
    assert_eq!(entered, ["merchants/a", "merchants/b"]);
    let (flags, end) = all.last().unwrap();
    assert_eq!(
        (*flags, code_and_reason(&end["error"])),
        (2, ("deadline_exceeded".to_owned(), "DEADLINE_EXCEEDED".to_owned()))
    );
    assert!(end["metadata"]["nearby-cost"][0].is_string(), "{end}");
}

#[tokio::test]
async fn errors_of_streams_are_in_their_last_message() {
    let server = HttpServer::start(&[]).await;
    for (body, headers, expected) in [
        (enveloped(&json!({ "origin": {} })), None, ("invalid_argument", "INVALID_ARGUMENT")),
        (enveloped(&json!({ "x": 1 })), None, ("invalid_argument", "INVALID_ARGUMENT")),
        (b"{}".to_vec(), None, ("invalid_argument", "MESSAGE_MALFORMED")),
        (Vec::new(), None, ("invalid_argument", "MESSAGE_MALFORMED")),
        (
            [enveloped(&json!({})), enveloped(&json!({}))].concat(),
            None,
            ("invalid_argument", "MESSAGE_MALFORMED"),
        ),
        ([&[1][..], &enveloped(&json!({}))[1..]].concat(), None, ("unimplemented", "ENCODING_UNSUPPORTED")),
        (
            enveloped(&json!({})),
            Some(("connect-content-encoding", "gzip")),
            ("unimplemented", "ENCODING_UNSUPPORTED"),
        ),
        (vec![b' '; 200_000], None, ("resource_exhausted", "MESSAGE_TOO_LARGE")),
    ] {
        let mut request = stream_request(&server, WATCH);
        if let Some((name, value)) = headers {
            request = request.header(name, value);
        }
        let all = messages(server.open(request, body).await).await;
        let [(2, end)] = &all[..] else { panic!("{all:?}") };
        let (code, reason) = code_and_reason(&end["error"]);
        assert_eq!((code.as_str(), reason.as_str()), expected);
    }
}

#[tokio::test]
async fn a_watch_ends_when_the_server_stops() {
    let HttpServer { server, address, _directory } = HttpServer::start(&[]).await;
    let request =
        Request::post(format!("http://{address}{WATCH}")).header("content-type", "application/connect+json");
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let response =
        client.request(request.body(Full::new(enveloped(&search_json()).into())).unwrap()).await.unwrap();
    let (read, status) = tokio::join!(messages(response), server.terminate());
    assert!(status.success());
    let (flags, end) = read.last().unwrap();
    assert_eq!((*flags, code_and_reason(&end["error"]).0.as_str()), (2, "unavailable"));
}
