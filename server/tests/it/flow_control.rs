//! Flow control: clients that do not read, and streams of small messages.

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, client::SendRequest};
use http::{HeaderMap, Request};
use nearby_proto::v1 as wire;
use prost::Message;
use tonic::Code;

use crate::{admin, auth::Keys, support::*};

const SEARCH: &str = "nearby.v1.NearbyService/SearchNearby";
const STREAM_SEARCH: &str = "nearby.v1.NearbyService/StreamSearchNearby";

/// Connects an HTTP/2 client whose streams have a window of `window` bytes, which it never opens again.
async fn connect(server: &TestServer, window: u32) -> SendRequest<Bytes> {
    let address = server.url.trim_start_matches("http://");
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (client, connection) = builder.initial_window_size(window).handshake(socket).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A message with its length prefix.
fn framed(message: &impl Message) -> Bytes {
    let length = u32::try_from(message.encoded_len()).unwrap().to_be_bytes();
    [&[0][..], &length, &message.encode_to_vec()].concat().into()
}

/// A call whose request is not complete.
struct OpenCall {
    response: h2::client::ResponseFuture,
    request: SendStream<Bytes>,
}

async fn start(client: &SendRequest<Bytes>, path: &str, headers: &[(&str, &str)]) -> OpenCall {
    let mut request = Request::post(format!("http://nearby/{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut client = client.clone().ready().await.unwrap();
    let (response, request) = client.send_request(request.body(()).unwrap(), false).unwrap();
    OpenCall { response, request }
}

/// Waits for the response and returns its body, of which nothing has been read.
async fn body(call: OpenCall) -> (RecvStream, SendStream<Bytes>) {
    let response = tokio::time::timeout(TIMEOUT, call.response).await.unwrap().unwrap();
    (response.into_body(), call.request)
}

/// Reads a body until its end, without making room for more; returns its number of bytes and its trailers, or the error.
async fn read_to_end(mut body: RecvStream) -> (usize, Result<HeaderMap, h2::Error>) {
    let read = async {
        let mut bytes = 0;
        while let Some(data) = body.data().await {
            match data {
                Ok(data) => bytes += data.len(),
                Err(error) => return (bytes, Err(error)),
            }
        }
        (bytes, body.trailers().await.map(Option::unwrap))
    };
    tokio::time::timeout(TIMEOUT, read).await.expect("the response does not end")
}

fn code(trailers: &HeaderMap) -> Code {
    Code::from_bytes(trailers["grpc-status"].as_bytes())
}

async fn metric(admin: &str, name: &str) -> u64 {
    let (_, text) = admin::get(format!("{admin}/metrics")).await;
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("no metric {name}")).parse().unwrap()
}

async fn wait_until_none_in_flight(admin: &str) {
    wait_until("calls stay in flight", async || metric(admin, "nearby_requests_in_flight").await == 0).await;
}

const ADMIN: [&str; 2] = [flags::ADMIN_LISTEN, "127.0.0.1:0"];

/// A server with its admin endpoint, and merchants at 60, 25.
async fn server_with_merchants(directory: &tempfile::TempDir, count: usize) -> (TestServer, String) {
    let server = TestServer::start_on(&directory.path().join("data"), &ADMIN).await;
    let rows = (1..).zip(0..count).map(|(row_number, id)| wire::ImportRow {
        row_number,
        merchant: Some(merchant(&format!("m{id:03}"), 60.0, 25.0)),
    });
    let import = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
    server.merchants().await.import_merchants(tokio_stream::once(import)).await.unwrap();
    let admin = admin::admin_url(&server);
    (server, admin)
}

#[tokio::test]
async fn a_call_ends_at_its_deadline_while_its_client_reads_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 20).await;
    let deadline = [("grpc-timeout", "300m")];
    let request = wire::StreamSearchNearbyRequest { request: Some(search(60.0, 25.0)), ..Default::default() };

    // Without a window, not even a part of a message is sent, and the status takes its place.
    let closed = connect(&server, 0).await;
    let mut unary = start(&closed, SEARCH, &deadline).await;
    unary.request.send_data(framed(&search(60.0, 25.0)), true).unwrap();
    let mut stream = start(&closed, STREAM_SEARCH, &deadline).await;
    stream.request.send_data(framed(&request), false).unwrap();
    for call in [unary, stream] {
        let (body, _request) = body(call).await;
        let (bytes, end) = read_to_end(body).await;
        assert_eq!((bytes, code(&end.unwrap())), (0, Code::DeadlineExceeded));
    }

    // A message that was sent in part cannot be followed by a status.
    let small = connect(&server, 100).await;
    let mut unary = start(&small, SEARCH, &deadline).await;
    unary.request.send_data(framed(&search(60.0, 25.0)), true).unwrap();
    let mut stream = start(&small, STREAM_SEARCH, &deadline).await;
    stream.request.send_data([framed(&request), framed(&request)].concat().into(), false).unwrap();
    for call in [unary, stream] {
        let (body, _request) = body(call).await;
        let (bytes, end) = read_to_end(body).await;
        assert_eq!((bytes, end.unwrap_err().reason()), (100, Some(Reason::CANCEL)));
    }
    wait_until_none_in_flight(&admin).await;
}

#[tokio::test]
async fn a_response_that_waits_for_its_window_arrives_complete_once_the_window_opens() {
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 500).await;
    let client = connect(&server, 1_000).await;
    let mut call = start(&client, SEARCH, &[]).await;
    let request = wire::SearchNearbyRequest { page_size: 500, ..search(60.0, 25.0) };
    call.request.send_data(framed(&request), true).unwrap();
    let (mut body, _request) = body(call).await;
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        received.extend_from_slice(&data.unwrap());
        body.flow_control().release_capacity(received.len().min(1_000)).ok();
    }
    assert_eq!(code(&body.trailers().await.unwrap().unwrap()), Code::Ok);
    let response = wire::SearchNearbyResponse::decode(&received[5..]).unwrap();
    assert_eq!(response.results.len(), 500);
    assert!(received.len() > 20_000, "{}", received.len());
    wait_until_none_in_flight(&admin).await;
}

#[tokio::test]
async fn a_revoked_key_ends_a_stream_whose_client_reads_nothing() {
    let keys = Keys::new();
    let key = keys.add("one", "search");
    let server = keys.server(&ADMIN).await;
    let admin = admin::admin_url(&server);
    let client = connect(&server, 0).await;
    let authorization = format!("bearer {key}");
    // Its deadline, which is observed outside the credentials, is far away.
    let headers = [("authorization", &*authorization), ("grpc-timeout", "10M")];
    let mut call = start(&client, STREAM_SEARCH, &headers).await;
    let request = wire::StreamSearchNearbyRequest { request: Some(search(60.0, 25.0)), ..Default::default() };
    call.request.send_data([framed(&request), framed(&request)].concat().into(), false).unwrap();
    let (body, _request) = body(call).await;
    keys.run(&["revoke", &key]);
    let (bytes, end) = read_to_end(body).await;
    assert_eq!((bytes, code(&end.unwrap())), (0, Code::Unauthenticated));
    wait_until_none_in_flight(&admin).await;
}

#[tokio::test]
async fn a_call_that_its_client_resets_is_dropped_whether_or_not_its_response_waits() {
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 20).await;
    let client = connect(&server, 0).await;
    let mut waits = start(&client, SEARCH, &[]).await;
    waits.request.send_data(framed(&search(60.0, 25.0)), true).unwrap();
    let (waiting, mut request) = body(waits).await;
    // Its request never ends.
    let mut incomplete = start(&client, SEARCH, &[]).await;
    wait_until("the calls do not start", async || metric(&admin, "nearby_requests_in_flight").await == 2)
        .await;
    request.send_reset(Reason::CANCEL);
    incomplete.request.send_reset(Reason::CANCEL);
    wait_until_none_in_flight(&admin).await;
    drop(waiting);
}

#[tokio::test]
async fn an_early_response_resets_the_rest_of_its_request_without_an_error() {
    let server = TestServer::start().await;
    let client = connect(&server, 65_535).await;
    let mut call = start(&client, "nearby.v1.NearbyService/NoSuchMethod", &[]).await;
    call.request.send_data(Bytes::from_static(&[0]), false).unwrap();
    let response = tokio::time::timeout(TIMEOUT, call.response).await.unwrap().unwrap();
    assert_eq!(code(response.headers()), Code::Unimplemented);
    let reset = std::future::poll_fn(|context| call.request.poll_reset(context));
    let reason = tokio::time::timeout(TIMEOUT, reset).await.unwrap().unwrap();
    assert_eq!(reason, Reason::NO_ERROR);
}

#[tokio::test]
async fn connect_and_expect_are_refused_as_other_methods_are() {
    let server = TestServer::start().await;
    let mut client = connect(&server, 65_535).await.ready().await.unwrap();
    let request = Request::connect("nearby:443").body(()).unwrap();
    let (response, _) = client.send_request(request, true).unwrap();
    assert_eq!(response.await.unwrap().status(), 405);
    let mut call = start(&client, SEARCH, &[("expect", "100-continue")]).await;
    call.request.send_data(framed(&search(60.0, 25.0)), true).unwrap();
    let (body, _request) = body(call).await;
    assert_eq!(code(&read_to_end(body).await.1.unwrap()), Code::Ok);
}
