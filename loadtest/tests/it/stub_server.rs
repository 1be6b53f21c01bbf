//! A stub server with a fixed response, in this process or in a child process.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response};
use nearby_loadtest::{
    dataset::{Dataset, Source},
    h2_client::Target,
    runner::{Progress, Runner, Settings},
    workload::{Kind, Operation, RequestGenerator, Scenario},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// Maps the number of earlier calls and the request headers to a status code and length-prefixed response messages.
pub(crate) type Answer = Arc<dyn Fn(u64, &HeaderMap) -> (u8, Bytes) + Send + Sync>;

/// Starts a server on a free port and returns its URL.
pub(crate) async fn start(answer: Answer) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (socket, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(socket, Arc::clone(&answer)));
        }
    });
    format!("http://{address}")
}

/// Serves a connection.
pub(crate) async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, answer: Answer) {
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    let mut calls = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (status, messages) = answer(calls, request.headers());
        calls += 1;
        let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        // The client has reset the call.
        let Ok(mut stream) = respond.send_response(head, false) else { continue };
        drop(stream.send_data(messages, false));
        let mut trailers = HeaderMap::new();
        trailers.insert("grpc-status", u16::from(status).into());
        drop(stream.send_trailers(trailers));
    }
}

pub(crate) fn settings(target: Target) -> Settings {
    Settings { target, connections: 2, streams: 2_000, retries: 0, server_pid: None, threads: 1 }
}

/// Creates a runner that searches a small dataset and verifies one response in `verify_one_in`.
pub(crate) async fn runner(settings: Settings, verify_one_in: u64) -> Runner {
    let requests =
        RequestGenerator::new(&dataset(), &Scenario::of(Operation::of(Kind::Search)), 1, verify_one_in);
    Runner::connect(settings, requests, Progress::hidden()).await.unwrap()
}

pub(crate) fn dataset() -> Dataset {
    Dataset::new(1, 1_000, &Source::BuiltIn).unwrap()
}

pub(crate) fn target(server: &str) -> Target {
    Target::new(server, Duration::from_secs(5)).unwrap()
}
