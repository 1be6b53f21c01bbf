//! Flow control: clients that do not read, and streams of small messages.

use std::time::Instant;

use bytes::Bytes;
use h2::{Reason, RecvStream, SendStream, client::SendRequest};
use http::{HeaderMap, Request};
use nearby_proto::v1 as wire;
use prost::Message;
use tonic::Code;

use crate::{
    admin::{self, metric},
    auth::Keys,
    support::*,
};

const SEARCH: &str = "nearby.v1.NearbyService/SearchNearby";
const STREAM_SEARCH: &str = "nearby.v1.NearbyService/StreamSearchNearby";

/// Connects an HTTP/2 client whose streams have a window of `window` bytes, which it never opens again.
async fn connect(server: &TestServer, window: u32) -> SendRequest<Bytes> {
    connect_and_watch(server, window).await.0
}

/// As [`connect`]; also returns the task of the connection, which ends with it.
async fn connect_and_watch(
    server: &TestServer,
    window: u32,
) -> (SendRequest<Bytes>, tokio::task::JoinHandle<Result<(), h2::Error>>) {
    let address = server.url.trim_start_matches("http://");
    let socket = tokio::net::TcpStream::connect(address).await.unwrap();
    let mut builder = h2::client::Builder::new();
    let (client, connection) = builder.initial_window_size(window).handshake(socket).await.unwrap();
    (client, tokio::spawn(connection))
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
    tokio::time::timeout(TIMEOUT, read).await.unwrap()
}

fn code(trailers: &HeaderMap) -> Code {
    Code::from_bytes(trailers["grpc-status"].as_bytes())
}

async fn wait_until_none_in_flight(admin: &str) {
    wait_until("calls stay in flight", async || metric(admin, "nearby_requests_in_flight").await == 0).await;
}

const ADMIN: [&str; 2] = [flags::ADMIN_LISTEN, "127.0.0.1:0"];

/// A server with its admin endpoint, and merchants at 60, 25.
async fn server_with_merchants(directory: &tempfile::TempDir, count: usize) -> (TestServer, String) {
    server_with(directory, &[], (0..count).map(|id| merchant(&format!("m{id:03}"), 60.0, 25.0))).await
}

async fn server_with(
    directory: &tempfile::TempDir,
    more: &[&str],
    merchants: impl Iterator<Item = wire::Merchant>,
) -> (TestServer, String) {
    let flags = [&ADMIN[..], more].concat();
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let rows = (1..).zip(merchants).map(|(row_number, merchant)| wire::ImportRow {
        row_number,
        merchant: Some(merchant),
        ..Default::default()
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

/// Keeps the threads of a server busy until frames have arrived faster than it reads them: more than h2's own budget for small frames
/// allows.
async fn keep_busy_until_behind(server: &TestServer, admin: &str) {
    let mut callers = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let mut searches = server.searches().await;
        callers.spawn(async move {
            loop {
                let request = wire::SearchNearbyRequest { page_size: 500, ..search(60.0, 25.0) };
                // It may be shed: the server is busy then, too.
                drop(searches.search_nearby(request).await);
            }
        });
    }
    let is_behind = async || metric(admin, "nearby_unread_request_frames").await > 3_000;
    wait_until("the frames are read as fast as they arrive", is_behind).await;
}

/// Sends each message in a frame of its own, then the end of the request.
fn send_each(mut request: SendStream<Bytes>, messages: impl Iterator<Item = Bytes>) {
    messages.for_each(|message| request.send_data(message, false).unwrap());
    request.send_data(Bytes::new(), true).unwrap();
}

/// Reads the messages of a response until its trailers, which must say OK.
async fn messages(mut body: RecvStream) -> Vec<Bytes> {
    let mut received = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.unwrap();
        body.flow_control().release_capacity(data.len()).unwrap();
        received.extend(data);
    }
    let trailers = body.trailers().await.unwrap().unwrap();
    assert_eq!(code(&trailers), Code::Ok, "{trailers:?}");
    let (mut rest, mut messages) = (Bytes::from(received), Vec::new());
    while !rest.is_empty() {
        let prefix = rest.split_to(5);
        let length = u32::from_be_bytes(prefix[1..].try_into().unwrap());
        messages.push(rest.split_to(length as usize));
    }
    messages
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_rows_with_a_frame_for_each_are_imported_by_a_busy_server() {
    const ROWS: usize = 10_000;
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 500).await;
    let client = connect(&server, 65_535).await;
    let call = start(&client, "nearby.v1.MerchantService/ImportMerchants", &[]).await;
    let rows = (1..).take(ROWS).map(|row_number| {
        let merchant = Some(merchant(&format!("row{row_number}"), 50.0, 10.0));
        let rows = vec![wire::ImportRow { row_number, merchant, ..Default::default() }];
        framed(&wire::ImportMerchantsRequest { rows, ..Default::default() })
    });
    send_each(call.request, rows);
    keep_busy_until_behind(&server, &admin).await;
    let response = call.response.await.unwrap();
    let messages = messages(response.into_body()).await;
    let response = wire::ImportMerchantsResponse::decode(messages[0].clone()).unwrap();
    assert_eq!(response.outcomes.len(), ROWS);
    wait_until_none_in_flight(&admin).await;
    assert_eq!(metric(&admin, "nearby_unread_request_frames").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_thousand_searches_with_a_frame_for_each_are_answered_by_a_busy_server() {
    const SEARCHES: usize = 20_000;
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 500).await;
    let client = connect(&server, 65_535).await;
    let call = start(&client, STREAM_SEARCH, &[]).await;
    let request = wire::SearchNearbyRequest { page_size: 1, ..search(60.0, 25.0) };
    let requests = (0..SEARCHES).map(|_| {
        framed(&wire::StreamSearchNearbyRequest { request: Some(request.clone()), ..Default::default() })
    });
    send_each(call.request, requests);
    keep_busy_until_behind(&server, &admin).await;
    let response = call.response.await.unwrap();
    assert_eq!(messages(response.into_body()).await.len(), SEARCHES);
    wait_until_none_in_flight(&admin).await;
    assert_eq!(metric(&admin, "nearby_unread_request_frames").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_are_not_read_are_bounded_and_the_client_is_not_disconnected() {
    const FRAMES: usize = 60_000;
    const SLOW_FROM: u128 = 16 * 1_024;
    let directory = tempfile::tempdir().unwrap();
    let (server, admin) = server_with_merchants(&directory, 20).await;
    let client = connect(&server, 0).await;
    // The handler reads no further search while the result of one waits for its window.
    let mut call = start(&client, STREAM_SEARCH, &[]).await;
    let request = wire::StreamSearchNearbyRequest { request: Some(search(60.0, 25.0)), ..Default::default() };
    call.request.send_data(framed(&request), false).unwrap();
    let (waiting, mut request) = body(call).await;
    (0..FRAMES).for_each(|_| request.send_data(Bytes::from_static(&[0]), false).unwrap());
    let unread = async || u128::from(metric(&admin, "nearby_unread_request_frames").await);
    wait_until("the frames do not arrive", async || unread().await > SLOW_FROM).await;
    let began = Instant::now();
    let mut searches = server.searches().await;
    for _ in 0..20 {
        searches.search_nearby(search(60.0, 25.0)).await.unwrap();
        let unread = unread().await;
        // A read that began below the limit takes 16 KiB, and one after each pause of 10 ms takes 1 KiB, of frames of ten bytes.
        let max = SLOW_FROM + 1_640 + 103 * (2 + began.elapsed().as_millis() / 10);
        assert!(unread <= max, "{unread} unread frames instead of {max}");
    }
    // The server still reads what the client sends, slowly.
    request.send_reset(Reason::CANCEL);
    wait_until("the frames are kept", async || unread().await == 0).await;
    let mut other = start(&client, SEARCH, &[("grpc-timeout", "100m")]).await;
    other.request.send_data(framed(&search(60.0, 25.0)), true).unwrap();
    assert_eq!(code(&read_to_end(body(other).await.0).await.1.unwrap()), Code::DeadlineExceeded);
    drop(waiting);
}

#[tokio::test(flavor = "multi_thread")]
async fn unread_responses_are_bounded_and_the_clients_that_read_nothing_for_longest_are_disconnected() {
    const CLIENTS: usize = 40;
    const BUDGET_BYTES: u64 = 4 * 1024 * 1024;
    let directory = tempfile::tempdir().unwrap();
    let photo = wire::Photo { uri: format!("https://{}", "x".repeat(1_000)), ..Default::default() };
    let large = |id: usize| wire::Merchant {
        photos: vec![photo.clone()],
        ..merchant(&format!("m{id:03}"), 60.0, 25.0)
    };
    // These disconnections are no protocol errors.
    let flags = [flags::MAX_UNREAD_MIB, "4", flags::MAX_PROTOCOL_ERRORS_PER_IP, "1"];
    let (server, admin) = server_with(&directory, &flags, (0..500).map(large)).await;
    let (mut searches, mut merchants) = (server.searches().await, server.merchants().await);
    let view = wire::MerchantView::Full.into();
    let request = wire::SearchNearbyRequest { page_size: 500, view, ..search(60.0, 25.0) };
    let mut waiting = Vec::new();
    for number in 0..CLIENTS {
        let (client, connection) = connect_and_watch(&server, 0).await;
        let mut call = start(&client, SEARCH, &[]).await;
        call.request.send_data(framed(&request), true).unwrap();
        waiting.push((connection, body(call).await));
        let found = searches.search_nearby(request.clone()).await.unwrap().into_inner();
        assert_eq!(found.results.len(), 500);
        let merchant = Some(merchant(&format!("new{number}"), 10.0, 10.0));
        let create = wire::CreateMerchantRequest { merchant, ..Default::default() };
        merchants.create_merchant(create).await.unwrap();
    }
    let is_within = async || metric(&admin, "nearby_unread_response_bytes").await <= BUDGET_BYTES;
    wait_until("unread responses exceed their budget", is_within).await;
    let closed = metric(&admin, "nearby_connections_rejected_total{reason=\"unread_responses\"}").await;
    let closed = usize::try_from(closed).unwrap();
    assert!(closed > CLIENTS / 2 && closed < CLIENTS, "{closed}");
    // The first ones have read nothing for longest.
    let open = waiting.split_off(closed);
    for (connection, _) in waiting {
        let error = tokio::time::timeout(TIMEOUT, connection).await.unwrap().unwrap().unwrap_err();
        assert!(error.is_go_away() && error.reason() == Some(Reason::ENHANCE_YOUR_CALM), "{error}");
    }
    assert!(open.iter().all(|(connection, _)| !connection.is_finished()));
    let log = std::fs::read_to_string(&server.log).unwrap();
    assert!(log.contains("closing connections") && log.contains("unread_responses"));
}
