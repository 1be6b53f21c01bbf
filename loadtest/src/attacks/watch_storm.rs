//! Watches that move without a pause.

use std::{io, net::SocketAddr, time::Duration};

use nearby_proto::v1::{
    MerchantView, Position, WatchNearbyRequest, WatchNearbyStart, watch_nearby_request::Step,
};
use tokio::{io::AsyncWriteExt, time::sleep};

use super::frames::{DATA, END_HEADERS, HEADERS, RawConnection, Termination, WINDOW_UPDATE, frame, head};
use crate::h2_client::encode_framed;

const WATCH: &str = "/nearby.v1.NearbyService/WatchNearby";
/// Watches of a connection: the server's limit of concurrent streams.
const WATCHES: u32 = 100;
/// Interval between two moves of a watch.
const MOVE_INTERVAL: Duration = Duration::from_millis(20);
const INITIAL_WINDOW_SIZE: u16 = 4;
/// Largest flow-control window: the client reads everything, and never holds a response back.
const MAX_WINDOW: u32 = 0x7FFF_FFFF;

/// Watches the 500 nearest merchants in full on each stream, and moves each watch 50 times per second.
pub(super) async fn watch_storm(to: SocketAddr, number: usize) -> io::Result<Termination> {
    let mut connection = RawConnection::handshake(to, number, &[(INITIAL_WINDOW_SIZE, MAX_WINDOW)]).await?;
    connection.write(&frame(WINDOW_UPDATE, 0, 0, &(MAX_WINDOW - 65_535).to_be_bytes())).await?;
    let start = WatchNearbyStart {
        origin: Some(at(0)),
        max_results: 500,
        view: MerchantView::Full.into(),
        ..Default::default()
    };
    let start = encode_framed(&WatchNearbyRequest { step: Some(Step::Start(start)) });
    let streams = (0..WATCHES).map(|watch| 2 * watch + 1);
    let open = streams.clone().map(|stream| {
        [frame(HEADERS, END_HEADERS, stream, &head(WATCH)), frame(DATA, 0, stream, &start)].concat()
    });
    connection.write(&open.collect::<Vec<_>>().concat()).await?;
    let RawConnection { mut reads, mut writes } = connection;
    let moves = async {
        for round in 1.. {
            let step = encode_framed(&WatchNearbyRequest { step: Some(Step::Origin(at(round))) });
            let all: Vec<Vec<u8>> = streams.clone().map(|stream| frame(DATA, 0, stream, &step)).collect();
            if writes.write_all(&all.concat()).await.is_err() {
                return;
            }
            sleep(MOVE_INTERVAL).await;
        }
    };
    let ended = RawConnection::read_until(&mut reads, |_, _, _| false);
    tokio::select! {
        () = moves => Ok(Termination::Closed),
        ended = ended => ended,
    }
}

/// A position on the way through a city.
fn at(round: u32) -> Position {
    let longitude = 24.94 + f64::from(round % 100) * 1e-4;
    Position { latitude: 60.17, longitude, coordinate_system: 1, accuracy_m: None }
}
