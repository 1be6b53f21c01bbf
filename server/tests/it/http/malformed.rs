//! Mutated requests: each gets an answer with a status and, if it is an error of a call, with a reason. The server goes on.
//!
//! Sends 2,000 requests, or the number in `NEARBY_MALFORMED`.

use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use tokio::task::JoinSet;

use super::*;

const CALLERS: usize = 8;

fn seeds() -> Vec<(&'static str, Value)> {
    let circle =
        json!({ "circle": { "center": position_json(60.0, 25.0), "radiusM": 1_000.0 }, "resolution": 8 });
    vec![
        (SEARCH, search_json()),
        ("/nearby.v1.NearbyService/BatchSearchNearby", json!({ "requests": [search_json(), search_json()] })),
        ("/nearby.v1.NearbyService/GetDensity", circle),
        (CREATE, json!({ "merchant": merchant_json("a", 60.0, 25.0) })),
        (
            "/nearby.v1.MerchantService/UpdateMerchant",
            json!({ "merchant": merchant_json("a", 60.0, 25.0), "updateMask": "position" }),
        ),
        ("/nearby.v1.MerchantService/ListMerchants", json!({ "pageSize": 10, "pageToken": "AAAA" })),
        ("/nearby.v1.MerchantService/DeleteMerchant", json!({ "name": "merchants/a" })),
        ("/export", json!({ "filter": { "text": "a" } })),
        ("/import", json!({ "displayName": "a" })),
    ]
}

fn mutated(random: &mut Pcg64, message: &Value) -> Vec<u8> {
    let mut bytes = message.to_string().into_bytes();
    for _ in 0..random.random_range(0..4) {
        let at = random.random_range(0..=bytes.len());
        match random.random_range(0..5) {
            0 => bytes.truncate(at),
            1 => bytes.insert(at, random.random()),
            2 => bytes.splice(at..at, *b"{\"x\":[[{}]]}").for_each(drop),
            3 => bytes.extend_from_within(..at),
            _ => {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte = random.random();
                }
            }
        }
    }
    bytes
}

#[tokio::test]
async fn mutated_requests_get_an_answer_and_harm_nothing() {
    let count: usize = std::env::var("NEARBY_MALFORMED").ok().map_or(2_000, |text| text.parse().unwrap());
    let seed: u64 = rand::random();
    println!("seed {seed}");
    let server = HttpServer::start(&[]).await;
    let address = server.address;
    let mut callers = JoinSet::new();
    for caller in 0..CALLERS {
        let mut random = Pcg64::seed_from_u64(seed + caller as u64);
        callers.spawn(async move {
            let client: Client<HttpConnector, Full<Bytes>> =
                Client::builder(TokioExecutor::new()).build_http();
            for _ in 0..count / CALLERS {
                let seeds = seeds();
                let (path, message) = &seeds[random.random_range(0..seeds.len())];
                let kinds = [
                    "application/json",
                    "application/json",
                    "application/proto",
                    "application/connect+json",
                    "text/csv",
                    "x",
                ];
                let content_type = kinds[random.random_range(0..kinds.len())];
                let request =
                    Request::post(format!("http://{address}{path}")).header("content-type", content_type);
                let body = mutated(&mut random, message);
                let request = request.body(Full::new(body.into())).unwrap();
                let response = tokio::time::timeout(TIMEOUT, client.request(request)).await.unwrap().unwrap();
                let (head, body) = response.into_parts();
                let body = tokio::time::timeout(TIMEOUT, body.collect()).await.unwrap().unwrap().to_bytes();
                let is_call =
                    head.headers["content-type"] == "application/json" && head.status != StatusCode::OK;
                if is_call {
                    let error: Value = serde_json::from_slice(&body).unwrap();
                    let (code, reason) = code_and_reason(&error);
                    assert!(code != "internal" && code != "unknown" && !reason.is_empty(), "{path}: {error}");
                }
            }
        });
    }
    while let Some(ended) = callers.join_next().await {
        ended.unwrap();
    }
    assert_eq!(server.call(SEARCH, &search_json()).await.status, StatusCode::OK);
    let log = fs::read_to_string(&server.server.log).unwrap();
    assert!(!log.contains("panicked"), "{log}");
}
