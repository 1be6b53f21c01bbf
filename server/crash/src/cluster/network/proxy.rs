//! A TCP proxy that withholds, delays or ends connections.

use std::{
    net::{Ipv4Addr, SocketAddrV4, TcpListener as StdListener},
    time::Duration,
};

use rand::{RngExt, rngs::ThreadRng};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{mpsc, watch},
    task::JoinHandle,
    time::Instant,
};

use crate::error::Result;

/// Condition of the bytes that one member sends to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Condition {
    Normal,
    /// Nothing arrives until the condition ends; then all of it does, as TCP sends again what was lost.
    Blocked,
    /// Everything arrives later, by a random time between these.
    Delayed {
        min: Duration,
        max: Duration,
    },
    /// Each piece ends the connection with this probability.
    Broken {
        probability: f64,
    },
}

/// Pieces under way in one direction of a connection.
const MAX_PIECES: usize = 1_024;
const PIECE_BYTES: usize = 16 * 1024;

/// A listener whose connections are forwarded. Dropping it ends them.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddrV4,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Starts a proxy on a free port of the loopback interface, with the conditions of the bytes to and from the target.
    pub(super) fn start(
        target: SocketAddrV4,
        up: watch::Receiver<Condition>,
        down: watch::Receiver<Condition>,
    ) -> Result<Self> {
        let listener = StdListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let port = listener.local_addr()?.port();
        let listener = TcpListener::from_std(listener)?;
        let task = tokio::spawn(async move {
            let mut connections = tokio::task::JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn(forward(stream, target, up.clone(), down.clone()));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { address: SocketAddrV4::new(Ipv4Addr::LOCALHOST, port), task })
    }

    /// Returns the address of the listener.
    pub(super) fn address(&self) -> SocketAddrV4 {
        self.address
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Forwards a connection until one of its directions ends.
async fn forward(
    client: TcpStream,
    target: SocketAddrV4,
    up: watch::Receiver<Condition>,
    down: watch::Receiver<Condition>,
) {
    // A connection to a target that does not listen ends at once, as if it had been refused.
    let Ok(server) = TcpStream::connect(target).await else { return };
    for stream in [&client, &server] {
        drop(stream.set_nodelay(true));
    }
    let (client_reader, client_writer) = client.into_split();
    let (server_reader, server_writer) = server.into_split();
    tokio::select! {
        () = pump(client_reader, server_writer, up) => {}
        () = pump(server_reader, client_writer, down) => {}
    }
}

/// Copies one direction of a connection.
async fn pump(reader: OwnedReadHalf, writer: OwnedWriteHalf, condition: watch::Receiver<Condition>) {
    let (pieces, queue) = mpsc::channel(MAX_PIECES);
    let reading = read(reader, pieces, condition.clone());
    tokio::join!(reading, write(writer, queue, condition));
}

async fn read(
    mut reader: OwnedReadHalf,
    pieces: mpsc::Sender<(Instant, Vec<u8>)>,
    condition: watch::Receiver<Condition>,
) {
    let mut due = Instant::now();
    loop {
        let mut piece = vec![0; PIECE_BYTES];
        let Ok(length @ 1..) = reader.read(&mut piece).await else { return };
        piece.truncate(length);
        let Some(arrival) = arrival(*condition.borrow()) else { return };
        // Bytes arrive in order.
        due = due.max(arrival);
        if pieces.send((due, piece)).await.is_err() {
            return;
        }
    }
}

/// Returns the time at which a piece arrives; `None` if the connection ends.
fn arrival(condition: Condition) -> Option<Instant> {
    let (mut rng, now) = (ThreadRng::default(), Instant::now());
    match condition {
        Condition::Normal | Condition::Blocked => Some(now),
        Condition::Delayed { min, max } => Some(now + rng.random_range(min..=max)),
        Condition::Broken { probability } => (!rng.random_bool(probability)).then_some(now),
    }
}

/// Writes pieces when they are due, and none while the direction is blocked: also what was sent before.
async fn write(
    mut writer: OwnedWriteHalf,
    mut queue: mpsc::Receiver<(Instant, Vec<u8>)>,
    mut condition: watch::Receiver<Condition>,
) {
    loop {
        let piece = queue.recv().await;
        // The end of a connection does not arrive either.
        if condition.wait_for(|condition| *condition != Condition::Blocked).await.is_err() {
            return;
        }
        let Some((due, piece)) = piece else { return };
        tokio::time::sleep_until(due).await;
        if writer.write_all(&piece).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    /// A server that sends everything back, and a connection to it through a proxy.
    async fn echo() -> (Proxy, watch::Sender<Condition>, watch::Sender<Condition>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let std::net::SocketAddr::V4(target) = listener.local_addr().unwrap() else { unreachable!() };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (mut reader, mut writer) = stream.into_split();
                tokio::spawn(async move { tokio::io::copy(&mut reader, &mut writer).await });
            }
        });
        let (up, down) = (watch::Sender::new(Condition::Normal), watch::Sender::new(Condition::Normal));
        let proxy = Proxy::start(target, up.subscribe(), down.subscribe()).unwrap();
        let stream = TcpStream::connect(proxy.address()).await.unwrap();
        (proxy, up, down, stream)
    }

    async fn answer(stream: &mut TcpStream) -> Option<[u8; 4]> {
        let mut bytes = [0; 4];
        let read = tokio::time::timeout(Duration::from_millis(200), stream.read_exact(&mut bytes));
        read.await.ok().and_then(Result::ok).map(|_| bytes)
    }

    #[tokio::test]
    async fn blocked_bytes_arrive_when_the_block_ends() {
        for direction in 0..2 {
            let (_proxy, up, down, mut stream) = echo().await;
            let blocked = if direction == 0 { up } else { down };
            stream.write_all(b"one.").await.unwrap();
            assert_eq!(answer(&mut stream).await, Some(*b"one."));
            blocked.send_replace(Condition::Blocked);
            stream.write_all(b"two.").await.unwrap();
            assert_eq!(answer(&mut stream).await, None);
            blocked.send_replace(Condition::Normal);
            assert_eq!(answer(&mut stream).await, Some(*b"two."));
        }
    }

    #[tokio::test]
    async fn delayed_bytes_arrive_later_and_in_order() {
        let (_proxy, up, _down, mut stream) = echo().await;
        let (min, max) = (Duration::from_millis(20), Duration::from_millis(60));
        up.send_replace(Condition::Delayed { min, max });
        let start = Instant::now();
        for text in [b"0001", b"0002", b"0003", b"0004"] {
            stream.write_all(text).await.unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        for text in [b"0001", b"0002", b"0003", b"0004"] {
            assert_eq!(answer(&mut stream).await, Some(*text));
        }
        assert!(start.elapsed() >= min);
    }

    #[tokio::test]
    async fn a_broken_connection_ends_and_a_new_one_is_made() {
        let (proxy, up, _down, mut stream) = echo().await;
        up.send_replace(Condition::Broken { probability: 1.0 });
        stream.write_all(b"one.").await.unwrap();
        let mut bytes = [0; 4];
        assert!(stream.read_exact(&mut bytes).await.is_err());
        up.send_replace(Condition::Normal);
        let mut stream = TcpStream::connect(proxy.address()).await.unwrap();
        stream.write_all(b"two.").await.unwrap();
        assert_eq!(answer(&mut stream).await, Some(*b"two."));
    }
}
