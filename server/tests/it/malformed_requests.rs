//! Requests that nobody should send: bytes that are no message, messages that are cut, changed or too large, heads that lie.
//! Whatever comes, the server answers each with a status that has details, or ends that one stream; it never panics, and no
//! stream stays open.
//!
//! `NEARBY_MALFORMED=100000` sends so many; ten thousand without it.

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

/// How long a stream may stay open before it counts as stuck. Generous: a busy machine is no failure.
const PATIENCE: Duration = Duration::from_secs(60);
const CONNECTIONS: usize = 8;

/// A right message of each method that takes one; mutations begin with it.
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
    let row = wire::ImportRow { row_number: 1, merchant: create.merchant.clone() };
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

/// What is sent: a body, and what the head says of it.
struct Hostile {
    path: String,
    headers: Vec<(&'static str, String)>,
    body: Bytes,
}

fn framed(flag: u8, length: u32, message: &[u8]) -> Bytes {
    let mut body = BytesMut::with_capacity(5 + message.len());
    body.put_u8(flag);
    body.put_u32(length);
    body.put_slice(message);
    body.freeze()
}

fn mutated(random: &mut Pcg64, seed: &[u8]) -> Vec<u8> {
    let mut message = seed.to_vec();
    for _ in 0..random.random_range(1..=4) {
        let at = if message.is_empty() { 0 } else { random.random_range(0..message.len()) };
        match random.random_range(0..6) {
            0 if !message.is_empty() => message[at] ^= 1 << random.random_range(0..8),
            1 if !message.is_empty() => message[at] = random.random(),
            2 => message.truncate(at),
            3 => message.insert(at, random.random()),
            // A length that is far too long, or a number at its end.
            4 => drop(message.splice(at..at, [0xFF; 9].into_iter().chain([0x01]))),
            _ => {
                let copy = message[at..].to_vec();
                message.extend(copy);
            }
        }
    }
    message
}

fn hostile(random: &mut Pcg64, seeds: &[(&'static str, Vec<u8>)]) -> Hostile {
    let (method, seed) = &seeds[random.random_range(0..seeds.len())];
    let message = match random.random_range(0..10) {
        0 => (0..random.random_range(0..200)).map(|_| random.random()).collect(),
        // Groups within groups, which a reader that calls itself would not survive.
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
    Hostile { path: format!("/nearby.v1.{method}"), headers, body }
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Ended {
    Status(String),
    Reset(String),
    /// A status that says too little.
    Bare(String),
    Stuck,
}

async fn send(mut connection: SendRequest<Bytes>, hostile: Hostile) -> Ended {
    let mut request = Request::post(format!("http://nearby{}", hostile.path));
    request = request.header("content-type", "application/grpc").header("te", "trailers");
    for (name, value) in &hostile.headers {
        request = request.header(*name, value);
    }
    let sent = async {
        std::future::poll_fn(|context| connection.poll_ready(context)).await?;
        let (answer, mut stream) = connection.send_request(request.body(()).unwrap(), false)?;
        // The server may have answered and closed its ear already.
        drop(stream.send_data(hostile.body, true));
        let answer = answer.await?;
        let mut headers: HeaderMap = answer.headers().clone();
        let mut body = answer.into_body();
        // What goes on for ever is ended by us after its first words.
        let mut read = 0;
        while let Some(chunk) = body.data().await {
            let chunk = chunk?;
            read += chunk.len();
            drop(body.flow_control().release_capacity(chunk.len()));
            if hostile.path.ends_with("WatchNearby") && read > 0 {
                return Ok(None);
            }
        }
        if let Some(trailers) = body.trailers().await? {
            headers.extend(trailers);
        }
        Ok::<_, h2::Error>(Some(headers))
    };
    match timeout(PATIENCE, sent).await {
        Err(_) => Ended::Stuck,
        Ok(Err(error)) => Ended::Reset(error.reason().unwrap_or(Reason::NO_ERROR).description().to_owned()),
        Ok(Ok(None)) => Ended::Status("a watch that began".to_owned()),
        Ok(Ok(Some(headers))) => match Status::from_header_map(&headers) {
            None => Ended::Bare(format!("no status: {headers:?}")),
            Some(status) if status.code() == tonic::Code::Ok => Ended::Status("OK".to_owned()),
            Some(status) => match status.get_details_error_info() {
                Some(info) if info.reason == "INTERNAL" => Ended::Status(format!("{status:?}")),
                Some(info) => Ended::Status(format!("{:?} {}", status.code(), info.reason)),
                None => Ended::Bare(format!("{status:?}")),
            },
        },
    }
}

async fn connect(server: &Server) -> SendRequest<Bytes> {
    let socket = TcpStream::connect(server.url.trim_start_matches("http://")).await.unwrap();
    let (send, connection) = h2::client::handshake(socket).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    send
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_comes_is_answered() {
    let all: usize = std::env::var("NEARBY_MALFORMED").map_or(10_000, |text| text.parse().unwrap());
    let seed: u64 = std::env::var("NEARBY_SEED").map_or(7, |text| text.parse().unwrap());
    println!("seed {seed}, {all} requests");
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--operations-listen", "127.0.0.1:0", "--log", "info"];
    let server = Server::start_on(&directory.path().join("data"), &flags).await;
    let operations = admin::admin_of(&server).await;
    let seeds = seeds();
    let mut random = Pcg64::seed_from_u64(seed);
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(&server).await);
    }
    let mut ends: BTreeMap<Ended, usize> = BTreeMap::new();
    let mut under_way = JoinSet::new();
    for number in 0..all {
        let at = number % CONNECTIONS;
        // A server may well close a connection on which it hears nonsense.
        if number % 1_000 < CONNECTIONS {
            connections[at] = connect(&server).await;
        }
        under_way.spawn(send(connections[at].clone(), hostile(&mut random, &seeds)));
        if under_way.len() >= 64 {
            *ends.entry(under_way.join_next().await.unwrap().unwrap()).or_default() += 1;
        }
    }
    while let Some(end) = under_way.join_next().await {
        *ends.entry(end.unwrap()).or_default() += 1;
    }
    for (end, count) in &ends {
        println!("{count:>8}  {end:?}");
    }
    let bad: Vec<_> = ends.keys().filter(|end| matches!(end, Ended::Stuck | Ended::Bare(_))).collect();
    assert!(bad.is_empty(), "{bad:#?}");
    let internal = ends.keys().find(|end| matches!(end, Ended::Status(text) if text.starts_with("Internal")));
    assert_eq!(internal, None, "nothing that comes is the server's fault");
    let resets: usize =
        ends.iter().filter(|(end, _)| matches!(end, Ended::Reset(_))).map(|(_, count)| count).sum();
    assert_eq!(resets, 0, "every stream ends with a status");
    // The watches that were ended here end there a moment later.
    let ended = async {
        loop {
            let (_, metrics) = admin::get(format!("{operations}/metrics")).await;
            if metrics.lines().any(|told| told == "nearby_calls_under_way 0") {
                return metrics;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let metrics = timeout(PATIENCE, ended).await.expect("some calls never end");
    assert!(metrics.lines().any(|told| told == "nearby_panics_total 0"), "{metrics}");
    server.searches().await.search_nearby(search(60.0, 25.0)).await.unwrap();
}
