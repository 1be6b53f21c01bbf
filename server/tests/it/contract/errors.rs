//! Errors that are independent of the method: deadlines, cancellation, malformed and oversized messages, unknown methods.

use super::*;
use std::time::Duration;
use tonic::Request;

/// Stores a hundred thousand merchants near the origin of the searches, so that searches take long.
async fn store_many_merchants(server: &TestServer) {
    let mut client = server.merchants().await;
    for chunk in 0..100 {
        let rows = (0..1_000).map(|n| wire::ImportRow {
            row_number: 0,
            merchant: Some(merchant(
                &format!("m{chunk:03}-{n:03}"),
                60.0 + 1e-5 * chunk as f64,
                25.0 + 1e-5 * n as f64,
            )),
            ..Default::default()
        });
        let message = wire::ImportMerchantsRequest { rows: rows.collect(), ..Default::default() };
        client.import_merchants(tokio_stream::iter([message])).await.unwrap();
    }
}

/// Calls a method over plain HTTP/2 and returns the server's status. The client of tonic has a timer of its own, which would end the
/// call before the server does.
async fn status_of(server: &TestServer, path: &str, timeout: &str, message: &impl Message) -> Status {
    let stream = tokio::net::TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut client, connection) = h2::client::handshake(stream).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    let request = http::Request::post(format!("{}{path}", server.url))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-timeout", timeout)
        .body(())
        .unwrap();
    let (response, mut body) = client.send_request(request, false).unwrap();
    let message = message.encode_to_vec();
    let length = u32::try_from(message.len()).unwrap().to_be_bytes();
    body.send_data([&[0], length.as_slice(), &message].concat().into(), true).unwrap();
    let (head, mut body) = response.await.unwrap().into_parts();
    while let Some(data) = body.data().await {
        body.flow_control().release_capacity(data.unwrap().len()).unwrap();
    }
    let trailers = body.trailers().await.unwrap().unwrap_or(head.headers);
    Status::from_header_map(&trailers).unwrap()
}

#[tokio::test]
async fn an_expired_deadline_is_deadline_exceeded_and_never_cancelled() {
    let server = TestServer::start().await;
    store_many_merchants(&server).await;
    let exceeded = (Code::DeadlineExceeded, "DEADLINE_EXCEEDED".to_owned());
    let search = wire::SearchNearbyRequest { page_size: 500, include_total: true, ..at_home() };
    let batch = wire::BatchSearchNearbyRequest { requests: vec![search; 1_000] };
    let path = "/nearby.v1.NearbyService/BatchSearchNearby";
    for timeout in ["1n", "1u", "900u", "3m", "20m"] {
        assert_eq!(reason(&status_of(&server, path, timeout, &batch).await), exceeded, "{timeout}");
    }
    assert_eq!(
        status_of(&server, path, "60S", &batch).await.code(),
        Code::Ok,
        "with a longer deadline the call succeeds"
    );
    // A single long search, which checks its deadline while it runs.
    let center = Some(position(60.0, 25.0));
    let area = Some(wire::get_density_request::Area::Circle(wire::Circle { center, radius_m: 50_000.0 }));
    let density = wire::GetDensityRequest { area, resolution: 15, filter: None, ..Default::default() };
    let path = "/nearby.v1.NearbyService/GetDensity";
    assert_eq!(reason(&status_of(&server, path, "4m", &density).await), exceeded);
    // Streams end at their deadline too.
    let watch = wire::WatchMerchantsRequest::default();
    let path = "/nearby.v1.MerchantService/WatchMerchants";
    assert_eq!(reason(&status_of(&server, path, "300m", &watch).await), exceeded);
}

#[tokio::test]
async fn cancelled_calls_release_their_resources() {
    let directory = tempfile::tempdir().unwrap();
    let data_dir = directory.path().join("data");
    let server = TestServer::start_on(&data_dir, &["--max-radius-m", "50000"]).await;
    store_many_merchants(&server).await;
    let client = server.searches().await;
    let density = wire::GetDensityRequest {
        area: Some(wire::get_density_request::Area::Circle(wire::Circle {
            center: Some(position(60.0, 25.0)),
            radius_m: 50_000.0,
        })),
        resolution: 15,
        filter: None,
        ..Default::default()
    };
    // Each call is cancelled at once. New connections, because one with too many resets is closed.
    for _ in 0..100 {
        let client = server.searches().await;
        for _ in 0..10 {
            let (mut client, density) = (client.clone(), density.clone());
            let call = tokio::spawn(async move { drop(client.get_density(density).await) });
            tokio::task::yield_now().await;
            call.abort();
        }
    }
    let page = tokio::time::timeout(Duration::from_secs(60), found(&mut client.clone(), at_home())).await;
    assert_eq!(page.unwrap().results.len(), 20);
    // No call is in flight that a stop would wait for.
    drop(client);
    assert_eq!(server.terminate().await.code(), Some(0));
}

/// Calls a method with arbitrary bytes; returns the status.
async fn raw(server: &TestServer, path: &'static str, bytes: &'static [u8]) -> Status {
    let channel = Channel::from_shared(server.url.clone()).unwrap().connect().await.unwrap();
    let mut client = tonic::client::Grpc::new(channel);
    client.ready().await.unwrap();
    let codec = tonic_prost::ProstCodec::<RawMessage, RawMessage>::default();
    let path = http::uri::PathAndQuery::from_static(path);
    client.unary(Request::new(RawMessage(bytes)), path, codec).await.unwrap_err()
}

/// Encodes to the given bytes.
#[derive(Clone, Debug, Default)]
struct RawMessage(&'static [u8]);

impl Message for RawMessage {
    fn encode_raw(&self, buffer: &mut impl prost::bytes::BufMut) {
        buffer.put_slice(self.0);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: prost::encoding::WireType,
        buffer: &mut impl prost::bytes::Buf,
        context: prost::encoding::DecodeContext,
    ) -> Result<(), prost::DecodeError> {
        prost::encoding::skip_field(wire_type, tag, buffer, context)
    }

    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn clear(&mut self) {}
}

#[tokio::test]
async fn malformed_messages_are_invalid_arguments() {
    let server = TestServer::start().await;
    // A latitude that is a string.
    let status = raw(&server, "/nearby.v1.NearbyService/SearchNearby", b"\x0a\x03\x0a\x01x").await;
    assert_eq!(reason(&status), (Code::InvalidArgument, "MESSAGE_MALFORMED".to_owned()));
}

#[tokio::test]
async fn malformed_messages_of_streams_are_invalid_arguments() {
    let server = TestServer::start().await;
    for method in
        ["NearbyService/StreamSearchNearby", "NearbyService/WatchNearby", "MerchantService/ImportMerchants"]
    {
        let path = format!("/nearby.v1.{method}");
        let status = status_of(&server, &path, "20S", &RawMessage(b"\x12\x03\x0a\x01x\x0a\x01x")).await;
        assert_eq!(reason(&status), (Code::InvalidArgument, "MESSAGE_MALFORMED".to_owned()), "{method}");
    }
}

#[tokio::test]
async fn unknown_methods_are_unimplemented() {
    let server = TestServer::start().await;
    for (path, message) in [
        (
            "/nearby.v1.NearbyService/SearchEverywhere",
            "unknown method `SearchEverywhere` of nearby.v1.NearbyService",
        ),
        ("/nearby.v2.NearbyService/SearchNearby", "unknown service `nearby.v2.NearbyService`"),
        (
            "/helloworld.Greeter/SayHello",
            "nearby.v1.NearbyService, nearby.v1.MerchantService, nearby.v1.ClusterService, grpc.health.v1.Health",
        ),
        ("/grpc.reflection.v1.ServerReflection/ServerReflectionInfo", "start the server with --reflection"),
        ("/grpc.health.v1.Health/List", "its methods are Check, Watch"),
        ("/", "expected /SERVICE/METHOD"),
    ] {
        let status = raw(&server, path, b"").await;
        assert_eq!(reason(&status), (Code::Unimplemented, "METHOD_UNKNOWN".to_owned()), "{path}");
        assert!(status.message().contains(message), "{path}: {}", status.message());
    }
}

#[tokio::test]
async fn oversized_messages_are_resource_exhausted() {
    let (server, _, mut client) = server_with([]).await;
    let shop = wire::Merchant { display_name: "x".repeat(5 * 1024 * 1024), ..north("a", 1.0) };
    let request = wire::CreateMerchantRequest { merchant: Some(shop), ..Default::default() };
    let status = client.create_merchant(request).await.unwrap_err();
    assert_eq!(reason(&status), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned()));
    // Reads have a lower limit than changes, and health checks the lowest.
    static LARGE: [u8; 200 * 1024] = [0; 200 * 1024];
    for (path, bytes) in [
        ("/nearby.v1.NearbyService/SearchNearby", 200 * 1024),
        ("/nearby.v1.MerchantService/ListMerchants", 200 * 1024),
        ("/grpc.health.v1.Health/Check", 5 * 1024),
    ] {
        let status = raw(&server, path, &LARGE[..bytes]).await;
        assert_eq!(reason(&status), (Code::ResourceExhausted, "MESSAGE_TOO_LARGE".to_owned()), "{path}");
    }
}
