//! Errors of calls: the same as those of gRPC.

use nearby_proto::v1 as wire;
use tonic_types::StatusExt;

use super::*;

/// The error of gRPC in the form of [`Answer::code_and_reason`].
fn of_grpc<T: std::fmt::Debug>(result: Result<T, tonic::Status>) -> (String, String, String) {
    let status = result.unwrap_err();
    let code = format!("{:?}", status.code());
    let snake: String = code
        .char_indices()
        .flat_map(|(at, letter)| {
            let separator = (at > 0 && letter.is_uppercase()).then_some('_');
            separator.into_iter().chain(letter.to_lowercase())
        })
        .collect();
    (snake, status.get_details_error_info().unwrap().reason, status.message().to_owned())
}

#[tokio::test]
async fn errors_are_those_of_grpc_with_their_details() {
    let server = HttpServer::start(&[]).await;
    server.create("a", 60.0, 25.0).await;
    let (mut searches, mut merchants) = (server.server.searches().await, server.server.merchants().await);
    let no_datum = wire::Position { latitude: 160.0, ..Default::default() };
    let get = |name: &str| wire::GetMerchantRequest { name: name.to_owned() };
    let create =
        wire::CreateMerchantRequest { merchant: Some(merchant("a", 60.0, 25.0)), ..Default::default() };
    let stale = wire::DeleteMerchantRequest {
        name: "merchants/a".to_owned(),
        etag: "77".to_owned(),
        ..Default::default()
    };
    let circle = wire::Circle { center: Some(position(60.0, 25.0)), radius_m: 5_000.0 };
    let area = Some(wire::get_density_request::Area::Circle(circle));
    let bad_resolution = wire::GetDensityRequest { area, resolution: 77, ..Default::default() };
    let bad_token = wire::SearchNearbyRequest { page_token: "x".to_owned(), ..search(60.0, 25.0) };
    let cases: Vec<((String, String, String), Answer, u16)> = vec![
        (
            of_grpc(searches.search_nearby(wire::SearchNearbyRequest { origin: Some(no_datum), ..Default::default() }).await),
            server.call(SEARCH, &json!({ "origin": { "latitude": 160.0 } })).await,
            400,
        ),
        (
            of_grpc(searches.search_nearby(bad_token).await),
            server.call(SEARCH, &json!({ "origin": position_json(60.0, 25.0), "pageToken": "x" })).await,
            400,
        ),
        (
            of_grpc(searches.get_density(bad_resolution).await),
            server
                .call("/nearby.v1.NearbyService/GetDensity", &json!({
                    "circle": { "center": position_json(60.0, 25.0), "radiusM": 5_000.0 }, "resolution": 77,
                }))
                .await,
            400,
        ),
        (
            of_grpc(merchants.get_merchant(get("merchants/none")).await),
            server.call("/nearby.v1.MerchantService/GetMerchant", &json!({ "name": "merchants/none" })).await,
            404,
        ),
        (
            of_grpc(merchants.create_merchant(create).await),
            server.call(CREATE, &json!({ "merchant": merchant_json("a", 60.0, 25.0) })).await,
            409,
        ),
        (
            of_grpc(merchants.delete_merchant(stale).await),
            server
                .call("/nearby.v1.MerchantService/DeleteMerchant", &json!({ "name": "merchants/a", "etag": "77" }))
                .await,
            409,
        ),
    ];
    for ((code, reason, message), answer, http_status) in cases {
        assert_eq!(answer.status.as_u16(), http_status, "{}", answer.text);
        assert_eq!(answer.header("content-type"), "application/json");
        assert_eq!(answer.code_and_reason(), (code, reason));
        assert_eq!(answer.json()["message"], message);
    }
}

#[tokio::test]
async fn details_are_encoded_and_readable() {
    use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
    use prost::Message;

    let server = HttpServer::start(&[]).await;
    let error =
        server.call(SEARCH, &json!({ "origin": { "latitude": 60.0, "longitude": 25.0 } })).await.json();
    let bad = error["details"]
        .as_array()
        .unwrap()
        .iter()
        .find(|one| one["type"] == "google.rpc.BadRequest")
        .unwrap();
    let encoded = STANDARD_NO_PAD.decode(bad["value"].as_str().unwrap()).unwrap();
    let decoded = tonic_types::pb::BadRequest::decode(&*encoded).unwrap();
    let readable = &bad["debug"]["fieldViolations"][0];
    assert_eq!(decoded.field_violations[0].field, "origin.coordinate_system");
    assert_eq!(
        (&readable["field"], &readable["reason"]),
        (&json!("origin.coordinate_system"), &json!("COORDINATE_SYSTEM_UNSPECIFIED"))
    );
}

#[tokio::test]
async fn rate_limits_state_when_to_retry() {
    let server = HttpServer::start(&[flags::RATE_PER_IP_PER_S, "1", flags::BURST_PER_IP, "50"]).await;
    let mut last = server.call(SEARCH, &search_json()).await;
    for _ in 0..60 {
        if last.status != StatusCode::OK {
            break;
        }
        last = server.call(SEARCH, &search_json()).await;
    }
    assert_eq!(last.status, StatusCode::TOO_MANY_REQUESTS, "{}", last.text);
    assert_eq!(last.code_and_reason(), ("resource_exhausted".to_owned(), "QUOTA_EXCEEDED".to_owned()));
    let seconds: u64 = last.header("retry-after").parse().unwrap();
    assert!((1..=2).contains(&seconds), "{seconds}");
    assert!(!last.header("trailer-grpc-retry-pushback-ms").is_empty());
}

#[tokio::test]
async fn an_unknown_method_and_one_that_streams_requests_are_unimplemented() {
    let server = HttpServer::start(&[]).await;
    for (path, expected) in [
        ("/nearby.v1.NearbyService/Search", "its methods are SearchNearby"),
        ("/other.Service/Call", "the services of this server are"),
        ("/nearby.v1.NearbyService/WatchNearby", "use WatchNearbyFrom"),
        ("/nearby.v1.MerchantService/ImportMerchants", "use POST /import"),
    ] {
        let answer = server.call(path, &json!({})).await;
        assert_eq!(answer.status, StatusCode::NOT_IMPLEMENTED, "{path}");
        assert_eq!(answer.code_and_reason(), ("unimplemented".to_owned(), "METHOD_UNKNOWN".to_owned()));
        assert!(answer.text.contains(expected), "{path}: {}", answer.text);
    }
}
