//! OpenTelemetry spans of calls, as a collector receives them.

use std::sync::{Arc, Mutex};

use tonic::Request;

use crate::support::*;

/// The bytes of all exports that a collector has received.
type Received = Arc<Mutex<Vec<u8>>>;

/// Starts a collector that accepts every export; returns its URL.
async fn collector() -> (String, Received) {
    let received = Received::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let kept = Arc::clone(&received);
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            let kept = Arc::clone(&kept);
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(socket).await.unwrap();
                while let Some(Ok((request, mut respond))) = connection.accept().await {
                    let kept = Arc::clone(&kept);
                    tokio::spawn(async move {
                        assert_eq!(
                            request.uri().path(),
                            "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
                        );
                        let mut body = request.into_body();
                        while let Some(Ok(bytes)) = body.data().await {
                            drop(body.flow_control().release_capacity(bytes.len()));
                            kept.lock().unwrap().extend_from_slice(&bytes);
                        }
                        let head = http::Response::builder()
                            .header("content-type", "application/grpc")
                            .body(())
                            .unwrap();
                        let mut stream = respond.send_response(head, false).unwrap();
                        stream.send_data(vec![0; 5].into(), false).unwrap();
                        let mut trailers = http::HeaderMap::new();
                        trailers.insert("grpc-status", "0".parse().unwrap());
                        stream.send_trailers(trailers).unwrap();
                    });
                }
            });
        }
    });
    (format!("http://{address}"), received)
}

fn has(bytes: &[u8], needle: &[u8]) -> bool {
    bytes.windows(needle.len()).any(|window| window == needle)
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_have_the_parent_of_the_traceparent_and_contain_no_position() {
    let (endpoint, received) = collector().await;
    let directory = tempfile::tempdir().unwrap();
    let flags = ["--otlp-endpoint", &endpoint, "--trace-ratio", "0"];
    let server = TestServer::start_on(&directory.path().join("data"), &flags).await;
    let searches = server.searches().await;
    let call = |traceparent: Option<&'static str>, latitude: f64| {
        let mut request = Request::new(search(latitude, 25.654_321));
        if let Some(traceparent) = traceparent {
            request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
        }
        let mut searches = searches.clone();
        async move { searches.search_nearby(request).await }
    };
    // A sampled call, one that fails, one that is not sampled, an invalid header, and none.
    call(Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"), 60.123_456).await.unwrap();
    call(Some("00-1bf7651916cd43dd8448eb211c80319c-b7ad6b7169203332-01"), 91.123_456).await.unwrap_err();
    call(Some("00-2cf7651916cd43dd8448eb211c80319c-b7ad6b7169203333-00"), 60.123_456).await.unwrap();
    call(Some("00-nonsense"), 60.123_456).await.unwrap();
    call(None, 60.123_456).await.unwrap();
    let (first, second) = ([0x0A, 0xF7, 0x65, 0x19], [0x1B, 0xF7, 0x65, 0x19]);
    // The server exports the spans in its queue when it stops.
    let status = server.terminate().await;
    assert_eq!(status.code(), Some(0));
    wait_until("no span is exported", async || has(&received.lock().unwrap(), &second)).await;
    let bytes = received.lock().unwrap().clone();
    assert!(has(&bytes, &first) && has(&bytes, b"nearby.v1.NearbyService/SearchNearby"));
    assert!(
        has(&bytes, &[0xB7, 0xAD, 0x6B, 0x71, 0x69, 0x20, 0x33, 0x31]),
        "the span of the client is the parent"
    );
    assert!(!has(&bytes, &[0x2C, 0xF7, 0x65, 0x19]), "a call that is not sampled has no span");
    for number in [60.123_456_f64, 91.123_456, 25.654_321] {
        assert!(!has(&bytes, &number.to_le_bytes()));
        assert!(!has(&bytes, &number.to_string().as_bytes()[..6]));
    }
}
