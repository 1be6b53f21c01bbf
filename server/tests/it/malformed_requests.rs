//! Malformed requests: random bytes, truncated, mutated and oversized messages, invalid headers. The server ends every stream with a
//! status that has error details. It never panics, and no stream stays open.
//!
//! Sends 10,000 requests, or the number in `NEARBY_MALFORMED`.

use std::{collections::BTreeMap, time::Duration};

use bytes::{BufMut, Bytes, BytesMut};
use h2::{Reason, client::SendRequest};
use http::{HeaderMap, Request};
use nearby_proto::v1 as wire;
use prost::Message;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use tokio::{net::TcpStream, task::JoinSet, time::timeout};
use tonic::Status;
use tonic_types::StatusExt;

use crate::{admin, support::*};

const CONNECTIONS: usize = 8;

/// Returns a valid message for each method; mutations start from it.
fn seeds() -> Vec<(&'static str, Vec<u8>)> {
    let filter = wire::MerchantFilter { any_categories: vec!["cafe".to_owned()], ..Default::default() };
    let search = wire::SearchNearbyRequest { filter: Some(filter), ..search(60.0, 25.0) };
    let name = "merchants/a".to_owned();
    let create =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 60.0, 25.0)), ..Default::default() };
    let update = wire::UpdateMerchantRequest {
        merchant: create.merchant.clone(),
        update_mask: Some(nearby_proto::well_known::FieldMask { paths: vec!["position".to_owned()] }),
        allow_missing: true,
        ..Default::default()
    };
    let delete = wire::DeleteMerchantRequest { name: name.clone(), ..Default::default() };
    let start = wire::WatchNearbyStart { origin: Some(position(60.0, 25.0)), ..Default::default() };
    let watch = wire::WatchNearbyRequest { step: Some(wire::watch_nearby_request::Step::Start(start)) };
    let circle = wire::Circle { center: Some(position(60.0, 25.0)), radius_m: 1_000.0 };
    let density = wire::GetDensityRequest {
        area: Some(wire::get_density_request::Area::Circle(circle)),
        resolution: 8,
        ..Default::default()
    };
    let row = wire::ImportRow { row_number: 1, merchant: create.merchant.clone(), ..Default::default() };
    let import = wire::ImportMerchantsRequest { rows: vec![row], ..Default::default() };
    let stream = wire::StreamSearchNearbyRequest { tag: 1, request: Some(search.clone()) };
    let batch = wire::BatchSearchNearbyRequest { requests: vec![search.clone(); 3] };
    let creates =
        wire::BatchCreateMerchantsRequest { requests: vec![create.clone(); 2], ..Default::default() };
    let updates =
        wire::BatchUpdateMerchantsRequest { requests: vec![update.clone(); 2], ..Default::default() };
    let deletes =
        wire::BatchDeleteMerchantsRequest { requests: vec![delete.clone(); 2], ..Default::default() };
    let list =
        wire::ListMerchantsRequest { page_size: 10, page_token: "AAAA".to_owned(), ..Default::default() };
    let names = wire::BatchGetMerchantsRequest { names: vec![name.clone()], ..Default::default() };
    vec![
        ("NearbyService/SearchNearby", search.encode_to_vec()),
        ("NearbyService/BatchSearchNearby", batch.encode_to_vec()),
        ("NearbyService/StreamSearchNearby", stream.encode_to_vec()),
        ("NearbyService/WatchNearby", watch.encode_to_vec()),
        ("NearbyService/GetDensity", density.encode_to_vec()),
        ("MerchantService/GetMerchant", wire::GetMerchantRequest { name: name.clone() }.encode_to_vec()),
        ("MerchantService/BatchGetMerchants", names.encode_to_vec()),
        ("MerchantService/ListMerchants", list.encode_to_vec()),
        ("MerchantService/CreateMerchant", create.encode_to_vec()),
        ("MerchantService/UpdateMerchant", update.encode_to_vec()),
        ("MerchantService/DeleteMerchant", delete.encode_to_vec()),
        (
            "MerchantService/HideMerchant",
            wire::HideMerchantRequest { name: name.clone(), ..Default::default() }.encode_to_vec(),
        ),
        (
            "MerchantService/ShowMerchant",
            wire::ShowMerchantRequest { name, ..Default::default() }.encode_to_vec(),
        ),
        ("MerchantService/BatchCreateMerchants", creates.encode_to_vec()),
        ("MerchantService/BatchUpdateMerchants", updates.encode_to_vec()),
        ("MerchantService/BatchDeleteMerchants", deletes.encode_to_vec()),
        ("MerchantService/ImportMerchants", import.encode_to_vec()),
        ("MerchantService/ExportMerchants", Vec::new()),
        ("MerchantService/NoSuchMethod", b"what".to_vec()),
    ]
}

/// A malformed request: path, headers and body.
struct MalformedRequest {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

/// Returns a message with a gRPC length prefix.
fn framed(flag: u8, length: u32, message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(5 + message.len());
    body.put_u8(flag);
    body.put_u32(length);
    body.put_slice(message);
    body.freeze()
}

/// Returns a message with random mutations.
fn mutated(random: &mut Pcg64, seed: &[u8]) -> Vec<u8> {
    let mut message = seed.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = if message.is_empty() { 0 } else { random.random_range(0..message.len()) };
        match random.random_range(0..6) {
            0 if !message.is_empty() => message[at] ^= 1 << random.random_range(0..8),
            1 if !message.is_empty() => message[at] = random.random(),
            2 => message.truncate(at),
            3 => message.insert(at, random.random()),
            // A varint of maximum length, as a length far beyond the message or a large number.
            4 => drop(message.splice(at..at, [0xFF; 9].into_iter().chain([0x01]))),
            _ => {
                let copy = message[at..].to_vec();
                message.extend(copy);
            }
        }
    }
    message
}

/// Returns a random malformed request.
fn malformed_request(random: &mut Pcg64, seeds: &[(&'static str, Vec<u8>)]) -> MalformedRequest {
    let (method, seed) = &seeds[random.random_range(0..seeds.len())];
    let message = match random.random_range(0..10) {
        0 => (0..random.random_range(0..200)).map(|_| random.random()).collect(),
        // Nested groups, which overflow the stack of a recursive decoder without a limit.
        1 => vec![0x0B; random.random_range(1..5_000)],
        2 => [0x0A, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F].repeat(random.random_range(1..50)),
        _ => mutated(random, seed),
    };
    let length = u32::try_from(message.len()).unwrap();
    let mut headers = Vec::new();
    let body = match random.random_range(0..12) {
        0 => framed(random.random(), length, &message),
        1 => framed(0, random.random(), &message),
        2 => Bytes::from(message),
        3 => Bytes::new(),
        4 => {
            headers
                .push(("grpc-encoding", ["gzip", "zstd", "nonsense"][random.random_range(0..3)].to_owned()));
            framed(1, length, &message)
        }
        5 => [framed(0, length, &message), framed(0, length, &message)].concat().into(),
        _ => framed(0, length, &message),
    };
    match random.random_range(0..30) {
        0 => headers.push(("grpc-timeout", "99999999999S".to_owned())),
        1 => headers.push(("grpc-timeout", "1n".to_owned())),
        2 => headers.push(("authorization", "Bearer".to_owned())),
        3 => headers.push(("authorization", "Basic \u{7e}".to_owned())),
        4 => headers.push(("x-api-key", "k".repeat(3_000))),
        5 => headers.push(("traceparent", "00-zz-zz-zz".to_owned())),
        6 => headers.push(("grpc-accept-encoding", ",,,".to_owned())),
        _ => {}
    }
    MalformedRequest { path: format!("/nearby.v1.{method}"), headers, body }
}

/// The end of a stream.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum StreamEnd {
    Status(String),
    Reset(String),
    /// No status, or one without error details.
    NoDetails(String),
    Stuck,
}

/// Sends a request and waits for the end of its stream.
async fn send(mut connection: SendRequest<Bytes>, malformed: MalformedRequest) -> StreamEnd {
    let mut request = Request::post(format!("http://nearby{}", malformed.path));
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in &malformed.headers {
        request = request.header(*name, value);
    }
    let sent = async {
        std::future::poll_fn(|context| connection.poll_ready(context)).await?;
        let (response, mut stream) = connection.send_request(request.body(()).unwrap(), false)?;
        // The server may have responded and closed the stream already.
        drop(stream.send_data(malformed.body, true));
        let response = response.await?;
        let mut headers: HeaderMap = response.headers().clone();
        let mut body = response.into_body();
        // A watch that has begun does not end: it is reset after its first bytes.
        let mut read = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            read += chunk.len();
            drop(body.flow_control().release_capacity(chunk.len()));
            if malformed.path.ends_with("WatchNearby") && read > 0 {
                return Ok(None);
            }
        }
        if let Some(trailers) = body.trailers().await? {
            headers.extend(trailers);
        }
        Ok::<_, h2::Error>(Some(headers))
    };
    match timeout(TIMEOUT, sent).await {
        Err(_) => StreamEnd::Stuck,
        Ok(Err(error)) => {
            StreamEnd::Reset(error.reason().unwrap_or(Reason::NO_ERROR).description().to_owned())
        }
        Ok(Ok(None)) => StreamEnd::Status("a watch that began".to_owned()),
        Ok(Ok(Some(headers))) => match Status::from_header_map(&headers) {
            None => StreamEnd::NoDetails(format!("no status: {headers:?}")),
            Some(status) if status.code() == tonic::Code::Ok => StreamEnd::Status("OK".to_owned()),
            Some(status) => match status.get_details_error_info() {
                Some(info) if info.reason == "INTERNAL" => StreamEnd::Status(format!("{status:?}")),
                Some(info) => StreamEnd::Status(format!("{:?} {}", status.code(), info.reason)),
                None => StreamEnd::NoDetails(format!("{status:?}")),
            },
        },
    }
}

/// Opens an HTTP/2 connection.
async fn connect(server: &TestServer) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let (send, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    send
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn malformed_requests_end_with_a_status_and_never_panic() {
    let all: usize = std::env::var("NEARBY_MALFORMED").map_or(10_000, |text| text.parse().unwrap());
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(7, |text| text.parse().unwrap());
    println!("seed {seed}, {all} requests");
    let directory = tempfile::tempdir().unwrap();
    let flags = [flags::ADMIN_LISTEN, "127.0.0.1:0", "--log", "info"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let admin_url = admin::admin_url(&server);
    let seeds = seeds();
    let mut random = Pcg64::seed_from_u64(seed);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(&server).await);
    }
    let mut ends: BTreeMap<StreamEnd, usize> = BTreeMap::new();
    let mut in_flight = JoinSet::new();
    for number in 0..all {
        let at = number % CONNECTIONS;
        // The server may close a connection with protocol errors.
        if number % 1_000 < CONNECTIONS {
            connections[at] = connect(&server).await;
        }
        in_flight.spawn(send(connections[at].clone(), malformed_request(&mut random, &seeds)));
        if in_flight.len() >= 64 {
            *ends.entry(in_flight.join_next().await.unwrap().unwrap()).or_default() += 1;
        }
    }
    while let Some(end) = in_flight.join_next().await {
        *ends.entry(end.unwrap()).or_default() += 1;
    }
    for (end, count) in &ends {
        println!("{count:>8}  {end:?}");
    }
    let bad: Vec<_> =
        ends.keys().filter(|end| matches!(end, StreamEnd::Stuck | StreamEnd::NoDetails(_))).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let internal =
        ends.keys().find(|end| matches!(end, StreamEnd::Status(text) if text.starts_with("Internal")));
    assert_eq!(internal, None, "no request causes an internal error");
    let resets: usize =
        ends.iter().filter(|(end, _)| matches!(end, StreamEnd::Reset(_))).map(|(_, count)| count).sum();
    assert_eq!(resets, 0, "every stream ends with a status");
    // The server notices the reset watches a moment later.
    let ended = async {
        loop {
            let (_, metrics) = admin::get(format!("{admin_url}/metrics")).await;
            if metrics.lines().any(|line| line == "nearby_requests_in_flight 0") {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let metrics = timeout(TIMEOUT, ended).await.expect("some calls never end");
    assert!(metrics.lines().any(|line| line == "nearby_panics_total 0"), "{metrics}");
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}
