//! A user's position is personal data. A canary position is sent through every method, in valid and invalid requests, and must not
//! appear in errors, tokens, logs, the audit log or metrics.

use std::{fs, time::Duration};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use nearby_proto::v1::{self as wire, watch_nearby_request::Step};
use tonic::{Request, Status};

use crate::{admin, support::*};

/// The canary: in the sea, with digits that appear in nothing else.
const LATITUDE: f64 = 47.918_273_645_5;
const LONGITUDE: f64 = -31.564_738_291_1;

/// Returns the byte patterns that would reveal the position: digits, as a decimal or in E6 or E7; the bytes of the number, raw, in
/// hexadecimal and in base64; the same of the earth-centred coordinates; H3 cells.
fn patterns() -> Vec<(String, Vec<u8>)> {
    let mut patterns: Vec<(String, Vec<u8>)> = Vec::new();
    let wgs84 = nearby_index::Position::<nearby_index::Wgs84>::new(LATITUDE, LONGITUDE).unwrap();
    let ecef = nearby_index::Ecef::from(wgs84).xyz_m();
    for number in [LATITUDE, LONGITUDE, ecef[0], ecef[1], ecef[2]] {
        let digits: String = format!("{:.7}", number.abs()).chars().filter(|digit| *digit != '.').collect();
        // Rounding to a hundred metres is not enough.
        patterns.push((format!("the digits of {number}"), digits[..6].into()));
        let decimal = format!("{:.4}", number.abs());
        patterns.push((format!("{number}"), decimal[..decimal.len() - 1].into()));
        patterns.push((format!("{number}, rounded"), format!("{:.3}", number.abs()).into()));
        for bytes in [number.to_le_bytes(), number.to_be_bytes()] {
            patterns.push((format!("the bytes of {number}"), bytes.into()));
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            patterns.push((format!("the bytes of {number} in hex"), hex.into()));
            patterns.push((format!("the bytes of {number} in base64"), STANDARD.encode(&bytes[..6]).into()));
        }
    }
    let cell = h3o::LatLng::new(LATITUDE, LONGITUDE).unwrap();
    for resolution in [h3o::Resolution::Five, h3o::Resolution::Seven, h3o::Resolution::Nine] {
        let cell = cell.to_cell(resolution).to_string();
        // The unused digits at the end of an index are ones in every cell.
        patterns.push((format!("the cell {cell}"), cell.trim_end_matches('f')[..7].into()));
    }
    patterns
}

/// Asserts that bytes do not contain the position.
fn assert_is_clean(what: &str, bytes: &[u8]) {
    for (pattern, needle) in patterns() {
        let at = bytes.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(&needle));
        if let Some(at) = at {
            let around = &bytes[at.saturating_sub(200)..(at + 200).min(bytes.len())];
            panic!("{what} contains {pattern}: {}", String::from_utf8_lossy(around));
        }
    }
}

/// Removes the times of the lines of a log: among thousands of lines, the microseconds of one are six digits of a coordinate in one
/// run of a few dozen.
fn without_times(log: &str) -> String {
    let without_time = |line: &'_ str| {
        let rest = line.strip_prefix("{\"timestamp\":\"").and_then(|rest| rest.split_once('"'));
        rest.map_or(line, |(_, rest)| rest).to_owned()
    };
    log.lines().map(without_time).collect::<Vec<_>>().join("\n")
}

fn here() -> wire::Position {
    position(LATITUDE, LONGITUDE)
}

fn at(position: wire::Position) -> wire::SearchNearbyRequest {
    wire::SearchNearbyRequest { origin: Some(position), page_size: 1, ..Default::default() }
}

/// Invalid variants of the position, whose errors must not contain it.
fn invalid_positions() -> Vec<wire::Position> {
    let unknown = wire::Position { coordinate_system: 77, ..here() };
    let unspecified = wire::Position { coordinate_system: 0, ..here() };
    // Swapped axes and out of range.
    let swapped = position(LONGITUDE * 10.0, LATITUDE);
    let beyond = position(LATITUDE + 360.0, LONGITUDE);
    let around = position(LATITUDE, LONGITUDE + 720.0);
    let accuracy = wire::Position { accuracy_m: Some(-LATITUDE), ..here() };
    vec![unknown, unspecified, swapped, beyond, around, accuracy]
}

#[derive(Default)]
struct Collected {
    errors: Vec<Status>,
    tokens: Vec<String>,
}

impl Collected {
    fn error<T>(&mut self, answer: Result<T, Status>) -> Option<T> {
        answer.map_err(|status| self.errors.push(status)).ok()
    }
}

/// Calls every method of NearbyService.
async fn call_nearby_service(server: &TestServer, collected: &mut Collected) {
    let mut client = server.searches().await;
    let invalid: Vec<wire::SearchNearbyRequest> = invalid_positions().into_iter().map(at).collect();
    let bad_token = wire::SearchNearbyRequest { page_token: "nonsense".to_owned(), ..at(here()) };
    let too_far = wire::SearchNearbyRequest { radius_m: Some(1e6 + LATITUDE), ..at(here()) };
    let all = [vec![at(here()), bad_token, too_far], invalid.clone()].concat();
    for request in &all {
        if let Some(found) = collected.error(client.search_nearby(request.clone()).await) {
            collected.tokens.push(found.into_inner().next_page_token);
        }
    }
    let batch = wire::BatchSearchNearbyRequest { requests: all.clone() };
    let answers = collected.error(client.batch_search_nearby(batch).await).unwrap().into_inner();
    for result in answers.results {
        if let Some(wire::batch_search_nearby_result::Outcome::Status(status)) = result.outcome {
            assert_is_clean("a status of a batch", &prost::Message::encode_to_vec(&status));
        }
    }
    let stream = all
        .clone()
        .into_iter()
        .map(|request| wire::StreamSearchNearbyRequest { tag: 1, request: Some(request) });
    let mut answers = client.stream_search_nearby(tokio_stream::iter(stream)).await.unwrap().into_inner();
    while let Some(answer) = answers.message().await.unwrap() {
        if let Some(wire::stream_search_nearby_response::Outcome::Status(status)) = answer.outcome {
            assert_is_clean("a status of a stream", &prost::Message::encode_to_vec(&status));
        }
    }
    for origin in [vec![here()], invalid_positions()].concat() {
        let start = wire::WatchNearbyStart { origin: Some(origin), ..Default::default() };
        let steps =
            [Step::Start(start), Step::Origin(here()), Step::Origin(position(LATITUDE * 7.0, LONGITUDE))];
        let steps = steps.map(|step| wire::WatchNearbyRequest { step: Some(step) });
        let mut answers = client.watch_nearby(tokio_stream::iter(steps)).await.unwrap().into_inner();
        while let Some(Some(answer)) = collected.error(answers.message().await) {
            collected.tokens.push(answer.resume_token);
        }
        let circle = wire::Circle { center: Some(origin), radius_m: 1_000.0 };
        let density = wire::GetDensityRequest {
            area: Some(wire::get_density_request::Area::Circle(circle)),
            resolution: 99,
            ..Default::default()
        };
        collected.error(client.get_density(density.clone()).await);
        collected.error(client.get_density(wire::GetDensityRequest { resolution: 7, ..density }).await);
    }
}

/// Sends the position to the HTTP listener, in requests of which most cannot be read.
async fn call_over_http(address: &str) {
    let (latitude, longitude) = (LATITUDE, LONGITUDE);
    let position = format!(
        "{{\"latitude\": {latitude}, \"longitude\": {longitude}, \"coordinateSystem\": \"COORDINATE_SYSTEM_WGS84\"}}"
    );
    let bodies = [
        format!("{{\"origin\": {position}}}"),
        format!("{{\"origin\": {{\"latitude\": {latitude}, \"longitude\": {longitude}}}}}"),
        format!("{{\"origin\": {{\"latitude\": \"{latitude}N\"}}}}"),
        format!("{{\"origin\": {{\"latitude\": [{latitude}]}}}}"),
        format!("{{\"origin\": {{\"latitude\": {latitude}, \"latitude\": {latitude}}}}}"),
        format!("{{\"origin\": {{\"coordinateSystem\": \"{latitude}\"}}}}"),
        format!("{{\"origin\": {{\"lat\": {latitude}}}}}"),
        format!("{{\"origin\": {{\"{latitude}\": 1}}}}"),
        format!("{{\"origin\": \"{latitude},{longitude}\"}}"),
        format!("{{\"radiusM\": \"{latitude}\"}}"),
        format!("{{\"origin\": {position}}} {latitude}"),
        format!("{{\"origin\": {{\"latitude\": {latitude} {longitude}}}}}"),
        format!("{latitude}"),
        format!("{{\"origin\": {position}, \"pageToken\": \"x\", \"radiusM\": 1e9}}"),
    ];
    let methods = ["SearchNearby", "BatchSearchNearby", "GetDensity", "WatchNearbyFrom"];
    for (method, body) in methods.iter().flat_map(|method| bodies.iter().map(move |body| (method, body))) {
        let body = match *method {
            "BatchSearchNearby" => format!("{{\"requests\": [{body}]}}"),
            "GetDensity" => body.replace("origin", "center").replacen('{', "{\"circle\": {", 1) + "}",
            _ => body.clone(),
        };
        let (content_type, body) = if *method == "WatchNearbyFrom" {
            let length = u32::try_from(body.len()).unwrap().to_be_bytes();
            ("application/connect+json", [&[0][..], &length, body.as_bytes()].concat())
        } else {
            ("application/json", body.clone().into_bytes())
        };
        let path = format!("http://{address}/nearby.v1.NearbyService/{method}");
        let request = http::Request::post(path)
            .header("content-type", content_type)
            .header("connect-timeout-ms", "300");
        let answer = crate::http::send(request, body).await;
        // A response may contain the position of a merchant, a resume token or a page token, but no error may.
        if answer.contains("\"code\"") && !answer.contains("\"entered\"") {
            assert_is_clean("an error over HTTP", answer.as_bytes());
        }
    }
    // A position in a URL would be in the logs of proxies: such a request is no call.
    let get = http::Request::get(format!(
        "http://{address}/nearby.v1.NearbyService/SearchNearby?latitude={latitude}"
    ));
    assert_is_clean("the answer to a GET", crate::http::send(get, Vec::new()).await.as_bytes());
}

/// Calls every method of MerchantService. Positions of merchants are public, but errors and logs must not contain them either.
async fn call_merchant_service(server: &TestServer, collected: &mut Collected) {
    let mut client = server.merchants().await;
    let of = |id: &str, position| wire::Merchant { position: Some(position), ..merchant(id, 0.0, 0.0) };
    for (number, position) in invalid_positions().into_iter().enumerate() {
        let merchant = Some(of(&format!("wrong-{number}"), position));
        let create = wire::CreateMerchantRequest { merchant: merchant.clone(), ..Default::default() };
        collected.error(client.create_merchant(create.clone()).await);
        let batch = wire::BatchCreateMerchantsRequest { requests: vec![create], ..Default::default() };
        collected.error(client.batch_create_merchants(batch).await);
        let update = wire::UpdateMerchantRequest {
            merchant: merchant.clone(),
            allow_missing: true,
            ..Default::default()
        };
        collected.error(client.update_merchant(update.clone()).await);
        let batch = wire::BatchUpdateMerchantsRequest { requests: vec![update], ..Default::default() };
        collected.error(client.batch_update_merchants(batch).await);
        let rows = vec![wire::ImportRow { row_number: 1, merchant, ..Default::default() }];
        let import = wire::ImportMerchantsRequest { rows, ..Default::default() };
        let outcome = client.import_merchants(tokio_stream::once(import)).await.unwrap().into_inner();
        assert_is_clean("the outcome of an import", format!("{outcome:?}").as_bytes());
    }
    for id in ["a", "b"] {
        let create = wire::CreateMerchantRequest { merchant: Some(of(id, here())), ..Default::default() };
        client.create_merchant(create.clone()).await.unwrap();
        collected.error(client.create_merchant(create).await);
    }
    let name = "merchants/a".to_owned();
    let stale = wire::HideMerchantRequest { name: name.clone(), etag: "7".to_owned(), ..Default::default() };
    collected.error(client.hide_merchant(stale).await);
    client
        .hide_merchant(wire::HideMerchantRequest { name: name.clone(), ..Default::default() })
        .await
        .unwrap();
    client
        .show_merchant(wire::ShowMerchantRequest { name: name.clone(), ..Default::default() })
        .await
        .unwrap();
    client.get_merchant(wire::GetMerchantRequest { name: name.clone() }).await.unwrap();
    client
        .batch_get_merchants(wire::BatchGetMerchantsRequest {
            names: vec![name.clone()],
            ..Default::default()
        })
        .await
        .unwrap();
    let list = wire::ListMerchantsRequest { page_size: 1, ..Default::default() };
    collected.tokens.push(client.list_merchants(list).await.unwrap().into_inner().next_page_token);
    let mut export =
        client.export_merchants(wire::ExportMerchantsRequest::default()).await.unwrap().into_inner();
    while export.message().await.unwrap().is_some() {}
    let mut backup = client.back_up_merchants(wire::BackUpMerchantsRequest {}).await.unwrap().into_inner();
    while backup.message().await.unwrap().is_some() {}
    let mut request = Request::new(wire::WatchMerchantsRequest::default());
    request.set_timeout(Duration::from_millis(300));
    if let Some(watching) = collected.error(client.watch_merchants(request).await) {
        let mut watching = watching.into_inner();
        while let Some(Some(_)) = collected.error(watching.message().await) {}
    }
}

#[tokio::test]
async fn a_users_position_appears_in_no_error_token_log_or_metric() {
    let directory = tempfile::tempdir().unwrap();
    let audit = directory.path().join("audit.log").display().to_string();
    let http = directory.path().join("http").display().to_string();
    let flags = [
        flags::ADMIN_LISTEN,
        "127.0.0.1:0",
        "--slow-search-ms",
        "0",
        "--audit-log",
        &audit,
        "--reflection",
        "--http-listen",
        "127.0.0.1:0",
        "--http-address-file",
        &http,
    ];
    // The log level is `trace`.
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let mut collected = Collected::default();
    call_merchant_service(&server, &mut collected).await;
    call_nearby_service(&server, &mut collected).await;
    call_over_http(fs::read_to_string(http).unwrap().trim()).await;
    let admin_url = admin::admin_url(&server);
    let (_, metrics) = admin::get(format!("{admin_url}/metrics")).await;

    assert!(collected.errors.len() > 50 && collected.tokens.iter().any(|token| !token.is_empty()));
    for status in &collected.errors {
        assert_is_clean("a message", status.message().as_bytes());
        assert_is_clean("details", status.details());
        assert_is_clean("metadata", format!("{:?}", status.metadata()).as_bytes());
    }
    for token in &collected.tokens {
        assert_is_clean("a token", token.as_bytes());
        assert_is_clean("a token's bytes", &URL_SAFE_NO_PAD.decode(token).unwrap());
    }
    let log = fs::read(&server.log).unwrap();
    assert!(log.len() > 10_000, "the log is empty");
    assert_is_clean("the log", without_times(&String::from_utf8_lossy(&log)).as_bytes());
    let audit = fs::read(&audit).unwrap();
    assert!(audit.len() > 1_000, "the audit log is empty");
    assert_is_clean("the audit log", &audit);
    assert_is_clean("metrics", metrics.as_bytes());
    println!(
        "{} errors, {} tokens, {} bytes of log",
        collected.errors.len(),
        collected.tokens.len(),
        log.len()
    );
}

/// The test above fails if the position appears.
#[test]
fn patterns_match_the_position_in_every_form() {
    for shown in [
        format!("origin: Position {{ latitude: {LATITUDE} }}"),
        format!("{:?}", (LATITUDE * 1e7).round()),
        format!("{LONGITUDE:.3}"),
        format!("{:016x}", LATITUDE.to_bits()),
        h3o::LatLng::new(LATITUDE, LONGITUDE).unwrap().to_cell(h3o::Resolution::Nine).to_string(),
    ] {
        assert!(std::panic::catch_unwind(|| assert_is_clean("this", shown.as_bytes())).is_err(), "{shown}");
    }
}
