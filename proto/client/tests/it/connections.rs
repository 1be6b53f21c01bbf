//! Connections over real sockets: setup, failures, reconnection.

use std::{
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use nearby_client::{Client, Code, ConnectError};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

use crate::{
    fake_server::{FakeServer, unavailable},
    methods::call,
};

/// Deadline that no test is expected to reach.
const LONG_DEADLINE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn client_calls_and_retries_over_a_socket() {
    let server = FakeServer::new([unavailable()]);
    let address = server.listen().await;
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(LONG_DEADLINE);
    call(&client, "SearchNearby").await.unwrap();
    assert_eq!(server.calls().len(), 2);
    let client = Client::connect(format!("http://{address}")).await.unwrap();
    call(&client, "GetMerchant").await.unwrap();
    assert_eq!(server.calls().len(), 3);
}

#[tokio::test]
async fn connecting_to_a_closed_port_is_unreachable() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let error = Client::connect(&address).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("cannot connect to {address}"));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn lost_connection_is_unavailable_and_the_client_reconnects() {
    // The first listener accepts connections, reads the request and closes; then a real server takes over the port.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let closed = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&closed);
    let listening = tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(connection.read(&mut [0; 1_024]).await);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(LONG_DEADLINE);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert!(error.to_string().starts_with("no connection to the server: "), "{error}");
    assert!(closed.load(Ordering::SeqCst) > 1, "the call was retried");

    listening.abort();
    assert!(listening.await.unwrap_err().is_cancelled());
    let listener = TcpListener::bind(address).await.unwrap();
    let server = FakeServer::default();
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_routes(server.routes())
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    call(&client, "SearchNearby").await.unwrap();
    assert_eq!(server.calls().len(), 1);
}

#[tokio::test]
async fn server_without_grpc_is_not_retried() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(connection.read(&mut [0; 1_024]).await);
            drop(connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(LONG_DEADLINE);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error:?}");
    assert!(error.to_string().starts_with("the connection to the server failed: "), "{error}");
    assert!(error.to_string().contains("https://"), "{error}");
}

#[tokio::test]
async fn graceful_goaway_is_unavailable() {
    // SETTINGS, then GOAWAY with NO_ERROR and last stream 0, sent once the call has arrived.
    const SETTINGS: [u8; 9] = [0, 0, 0, 4, 0, 0, 0, 0, 0];
    const GOAWAY: [u8; 17] = [0, 0, 8, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connections = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&connections);
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            tokio::spawn(async move {
                connection.write_all(&SETTINGS).await.unwrap();
                let mut seen = Vec::new();
                // HEADERS frame of stream 1.
                while !seen.windows(6).any(|bytes| bytes == [1, 4, 0, 0, 0, 1]) {
                    connection.read_buf(&mut seen).await.unwrap();
                }
                connection.write_all(&GOAWAY).await.unwrap();
                // Keeps the connection open until the client closes it.
                while connection.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(LONG_DEADLINE);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!((error.code(), error.status().code()), (Code::Unavailable, Code::Internal), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 4, "each retry used a new connection");
}
