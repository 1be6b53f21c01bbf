//! Nearby: `SearchNearby` with what a list shows, over HTTP/2 connections with one stream each.

use std::{
    io,
    time::{Duration, Instant},
};

use nearby_client::Access;
use nearby_proto::v1::{CoordinateSystem, MerchantView, Position, SearchNearbyRequest, SearchNearbyResponse};
use prost::Message;

use super::{RADIUS_M, WANTED, system::Found};
use crate::{
    cli::{Failure, into_server},
    dataset::{Place, World},
    h2_client::{Code, Exchange, Lines, Reply, Target, framed},
    workload::Kind,
};

/// Nobody waits longer for an answer; the rivals' clients wait for ever.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server.
#[derive(Debug)]
pub(super) struct Nearby {
    url: String,
    target: Target,
    is_own: bool,
}

/// A connection of its own: of several together the next free one would have to be waited for.
pub(super) struct Line(Lines);

impl Nearby {
    pub(super) fn new(url: &str, is_own: bool) -> Result<Self, Failure> {
        Ok(Self { url: url.to_owned(), target: Target::new(url, DEADLINE)?, is_own })
    }

    pub(super) fn is_own(&self) -> bool {
        self.is_own
    }

    pub(super) async fn connect(&self) -> io::Result<Line> {
        Lines::open(self.target.clone(), 1, 1).await.map(Line)
    }

    /// Whole merchants, each stored on disk before it is acknowledged.
    pub(super) async fn load(&self, world: &World) -> io::Result<()> {
        into_server(world, &self.url, &Access::default()).await.map_err(io::Error::other)
    }
}

impl Line {
    /// The reply is put together of its frames, and not decoded.
    pub(super) async fn ask(&self, from: Place) -> io::Result<Reply> {
        let origin = Position {
            latitude: from.latitude,
            longitude: from.longitude,
            coordinate_system: CoordinateSystem::Wgs84.into(),
            accuracy_m: None,
        };
        let request = SearchNearbyRequest {
            origin: Some(origin),
            radius_m: Some(RADIUS_M),
            page_size: i32::try_from(WANTED).unwrap_or(i32::MAX),
            view: MerchantView::Basic.into(),
            ..Default::default()
        };
        let exchange = Exchange {
            path: Kind::Search.path(),
            messages: framed(&request),
            deadline: Instant::now() + DEADLINE,
            keeps: true,
        };
        let reply = self.0.exchange(&exchange).await;
        match reply.code {
            Code::OK => Ok(reply),
            code => Err(io::Error::other(format!("a search was answered {}", code.name()))),
        }
    }
}

/// Whom an answer names.
pub(super) fn found(reply: &Reply, world: &World) -> Option<Vec<Found>> {
    let [message] = reply.messages.as_slice() else { return None };
    let response = SearchNearbyResponse::decode(message.clone()).ok()?;
    let found = response.results.iter().map(|result| {
        let name = result.merchant.as_ref().map_or("", |merchant| &merchant.name);
        Found { number: world.number_of(name), distance_m: result.distance_m }
    });
    Some(found.collect())
}
