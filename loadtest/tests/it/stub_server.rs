//! A server that answers every call alike, in this process or in one of its own.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, Response};
use nearby_loadtest::{
    dataset::{Source, World},
    h2_client::Target,
    runner::{Driver, Live, Settings},
    workload::{Kind, Operation, Requests, Scenario},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpListener,
};

/// How often a call was made, and what it is answered: a status, and messages as they go over the wire.
pub(crate) type Answer = Arc<dyn Fn(u64, &HeaderMap) -> (u8, Bytes) + Send + Sync>;

/// Serves on a free port of this process; its address.
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

/// Serves one connection.
pub(crate) async fn serve(socket: impl AsyncRead + AsyncWrite + Unpin, answer: Answer) {
    let Ok(mut connection) = h2::server::handshake(socket).await else { return };
    let mut calls = 0;
    while let Some(Ok((request, mut respond))) = connection.accept().await {
        let (status, messages) = answer(calls, request.headers());
        calls += 1;
        let head = Response::builder().header("content-type", "application/grpc").body(()).unwrap();
        // A caller that has gone needs no answer.
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

/// Searches of a small world, one answer in so many judged.
pub(crate) async fn driver(settings: Settings, check_one_in: u64) -> Driver {
    let requests = Requests::new(&world(), &Scenario::of(Operation::of(Kind::Search)), 1, check_one_in);
    Driver::connect(settings, requests, Live::hidden()).await.unwrap()
}

pub(crate) fn world() -> World {
    World::new(1, 1_000, &Source::Ours).unwrap()
}

pub(crate) fn target(server: &str) -> Target {
    Target::new(server, Duration::from_secs(5)).unwrap()
}
