//! Real sockets: how connections are made and what becomes of calls when they break.

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
    fake_server::{Fake, unavailable},
    methods::call,
};

/// Long enough for any machine; no test waits for it to pass.
const GENEROUS: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_client_calls_and_tries_again_over_a_socket() {
    let fake = Fake::new([unavailable()]);
    let address = fake.listen().await;
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(GENEROUS);
    call(&client, "SearchNearby").await.unwrap();
    assert_eq!(fake.calls().len(), 2);
    let client = Client::connect(format!("http://{address}")).await.unwrap();
    call(&client, "GetMerchant").await.unwrap();
    assert_eq!(fake.calls().len(), 3);
}

#[tokio::test]
async fn where_nothing_answers_there_is_no_client() {
    let address = {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let error = Client::connect(&address).await.unwrap_err();
    assert!(matches!(error, ConnectError::Unreachable { .. }), "{error:?}");
    assert_eq!(error.to_string(), format!("no server answers at {address}"));
    assert!(error.source().is_some());
}

#[tokio::test]
async fn a_server_that_is_gone_is_unavailable_and_its_successor_is_found() {
    // It takes connections, reads what comes and hangs up, three times; then a real server has the port.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let hung_up = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&hung_up);
    let hanging_up = tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(connection.read(&mut [0; 1_024]).await);
            count.fetch_add(1, Ordering::SeqCst);
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(GENEROUS);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable, "{error:?}");
    assert!(error.to_string().starts_with("no connection to the server: "), "{error}");
    assert!(hung_up.load(Ordering::SeqCst) > 1, "it was tried again");

    hanging_up.abort();
    assert!(hanging_up.await.unwrap_err().is_cancelled());
    let listener = TcpListener::bind(address).await.unwrap();
    let fake = Fake::default();
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_routes(fake.routes())
            .serve_with_incoming(tokio_stream::wrappers::TcpListenerStream::new(listener)),
    );
    call(&client, "SearchNearby").await.unwrap();
    assert_eq!(fake.calls().len(), 1);
}

#[tokio::test]
async fn what_speaks_no_grpc_is_not_asked_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (mut connection, _) = listener.accept().await.unwrap();
            drop(connection.read(&mut [0; 1_024]).await);
            drop(connection.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await);
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(GENEROUS);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!(error.code(), Code::Internal, "{error:?}");
    assert!(error.to_string().starts_with("the connection to the server failed: "), "{error}");
    assert!(error.to_string().contains("https://"), "{error}");
}

#[tokio::test]
async fn a_server_that_says_farewell_is_unavailable() {
    // SETTINGS, and GOAWAY: NO_ERROR after stream 0, once the call has come.
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
                // A call's headers go out as a HEADERS frame of stream 1.
                while !seen.windows(6).any(|bytes| bytes == [1, 4, 0, 0, 0, 1]) {
                    connection.read_buf(&mut seen).await.unwrap();
                }
                connection.write_all(&GOAWAY).await.unwrap();
                // It stays until the client hangs up.
                while connection.read_buf(&mut seen).await.is_ok_and(|read| read > 0) {}
            });
        }
    });
    let client = Client::connect(address.to_string()).await.unwrap().with_deadline(GENEROUS);
    let error = call(&client, "SearchNearby").await.unwrap_err();
    assert_eq!((error.code(), error.status().code()), (Code::Unavailable, Code::Internal), "{error:?}");
    assert_eq!(connections.load(Ordering::SeqCst), 4, "it was tried again, each time on a new connection");
}
