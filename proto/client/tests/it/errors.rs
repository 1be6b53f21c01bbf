//! Contents of errors.

use std::{collections::HashMap, error::Error, time::Duration};

use nearby_client::{
    Client, Code,
    v1::{CoordinateSystem, ExportMerchantsRequest, ImportMerchantsRequest, Position, SearchNearbyRequest},
};
use tonic::Status;
use tonic_types::{ErrorDetails, FieldViolation, StatusExt};

use crate::fake_server::{FakeServer, Outcome};

fn search_of_a_user() -> SearchNearbyRequest {
    let origin = Position {
        latitude: 60.171_934_5,
        longitude: 24.941_456_7,
        coordinate_system: CoordinateSystem::Wgs84.into(),
        accuracy_m: None,
    };
    SearchNearbyRequest { origin: Some(origin), ..Default::default() }
}

#[tokio::test]
async fn details_of_a_bad_request_reach_the_application() {
    let mut details = ErrorDetails::with_error_info("INVALID_ARGUMENT", "nearby", HashMap::new());
    let violation = FieldViolation::new("radius_m", "is above 0");
    details.set_bad_request(vec![
        FieldViolation { reason: "RADIUS_OUT_OF_RANGE".to_owned(), ..violation },
        FieldViolation::new("page_size", "is not negative"),
    ]);
    details.set_retry_info(Some(Duration::from_millis(250)));
    let status = Status::with_error_details(Code::InvalidArgument, "radius_m is above 0", details);
    let error = FakeServer::new([Outcome::Fail(status)])
        .client()
        .search_nearby(search_of_a_user())
        .await
        .unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::InvalidArgument, Some("INVALID_ARGUMENT")));
    assert_eq!(error.message(), "radius_m is above 0");
    let violations: Vec<[&str; 3]> = error
        .violations()
        .iter()
        .map(|one| [one.field.as_str(), one.reason.as_str(), one.description.as_str()])
        .collect();
    assert_eq!(
        violations,
        [["radius_m", "RADIUS_OUT_OF_RANGE", "is above 0"], ["page_size", "", "is not negative"]]
    );
    assert_eq!(error.retry_after(), Some(Duration::from_millis(250)));
    assert_eq!(error.to_string(), "radius_m is above 0 (page_size)");
    let source = error.source().unwrap().downcast_ref::<Status>().unwrap();
    assert_eq!(source.message(), "radius_m is above 0");
    assert!(std::ptr::eq(source, error.status()));
}

/// Covers local and remote errors, and every way to display them.
#[tokio::test(start_paused = true)]
async fn errors_contain_no_position() {
    for outcome in [Outcome::Hang, Outcome::Fail(Status::internal("a fault"))] {
        let client = FakeServer::new([outcome]).client();
        let error = client.search_nearby(search_of_a_user()).await.unwrap_err();
        let shown = format!("{error} {error:#?} {:?}", client.search_pages(search_of_a_user(), 7));
        assert!(!shown.contains("60.17") && !shown.contains("24.94"), "{shown}");
    }
}

/// The error is a pointer, so that a `Result` is no larger than its value.
#[test]
fn errors_are_small() {
    assert_eq!(size_of::<nearby_client::ClientError>(), size_of::<usize>());
}

/// A proxy that answers every call with an HTTP error and a page, while the client still sends its request.
async fn proxy(status: u16, page: &'static [u8]) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let mut connection = h2::server::handshake(stream).await.unwrap();
        while let Some(Ok((_, mut respond))) = connection.accept().await {
            let response = http::Response::builder().status(status);
            let response = response.header("content-type", "text/html").header("server", "nginx/1.22.1");
            let mut body = respond.send_response(response.body(()).unwrap(), false).unwrap();
            body.send_data(page.into(), true).unwrap();
        }
    });
    address
}

#[tokio::test]
async fn an_http_error_of_a_proxy_names_its_status_and_the_likely_setting() {
    const PAGE: &[u8] = b"<html><head><title>413 Request Entity Too Large</title></head></html>";
    for (status, code, parts) in [
        (413, Code::Unknown, ["HTTP 413 Payload Too Large from nginx/1.22.1", "client_max_body_size"]),
        (502, Code::Unavailable, ["HTTP 502 Bad Gateway", "grpc_pass"]),
        (504, Code::Unavailable, ["HTTP 504 Gateway Timeout", "grpc_read_timeout"]),
    ] {
        let client = Client::connect(proxy(status, PAGE).await).await.unwrap().without_retries();
        let unary = client.search_nearby(search_of_a_user()).await.unwrap_err();
        let rows = futures_util::stream::iter(std::iter::repeat_n(ImportMerchantsRequest::default(), 5));
        let streaming = client.import_merchants(rows).await.unwrap_err();
        let responses =
            client.export_merchants(ExportMerchantsRequest::default()).await.map(drop).unwrap_err();
        for error in [unary, streaming, responses] {
            assert_eq!((error.code(), error.reason()), (code, None), "{error}");
            for part in parts {
                assert!(error.to_string().contains(part), "{error}");
            }
        }
    }
}
