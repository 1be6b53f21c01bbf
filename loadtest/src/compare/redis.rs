//! Redis: a sorted set of geohashes of 52 bits (`GEOADD`, `GEOSEARCH`), distances on a sphere.

use std::io;

use ::redis::{Client, Cmd, Value, aio::MultiplexedConnection, cmd};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    RADIUS_M, WANTED,
    resp::{self, KEY},
};
use crate::dataset::{Place, World};

/// Merchants of a command, and commands under way.
const AT_ONCE: u64 = 1_000;
const COMMANDS: usize = 4;
/// It refuses places beyond this latitude, where its geohash (of a Mercator map) ends.
const NORTHERNMOST: f64 = 85.05;

/// A server.
#[derive(Debug)]
pub(super) struct Redis(Client);

pub(super) struct Line(MultiplexedConnection);

impl Redis {
    pub(super) fn new(url: &str) -> io::Result<Self> {
        resp::client(url).map(Self)
    }

    pub(super) async fn connect(&self) -> io::Result<Line> {
        resp::connect(&self.0).await.map(Line)
    }

    /// Ids and places of those that searches find.
    pub(super) async fn load(&self, world: &World) -> io::Result<()> {
        let mut connection = resp::connect(&self.0).await?;
        resp::send::<()>(&mut connection, cmd("DEL").arg(KEY)).await?;
        let batches = (0..world.count()).step_by(usize::try_from(AT_ONCE).unwrap_or(1));
        let adds = stream::iter(batches).map(|first| {
            let (command, mut connection) = (add(world, first), connection.clone());
            async move { resp::send::<()>(&mut connection, &command).await }
        });
        adds.buffer_unordered(COMMANDS).try_collect().await
    }
}

fn add(world: &World, first: u64) -> Cmd {
    let mut command = cmd("GEOADD");
    command.arg(KEY);
    for number in (first..world.count().min(first + AT_ONCE)).filter(|number| world.is_visible(*number)) {
        let place = world.place(number);
        if place.latitude.abs() < NORTHERNMOST {
            command.arg(place.longitude).arg(place.latitude).arg(number);
        }
    }
    command
}

impl Line {
    /// The radius is given in metres, as the distances come with four digits of its unit: of kilometres they would be
    /// rounded to 10 cm.
    pub(super) async fn ask(&mut self, from: Place) -> io::Result<Value> {
        let mut command = cmd("GEOSEARCH");
        command.arg(KEY).arg("FROMLONLAT").arg(from.longitude).arg(from.latitude);
        command.arg("BYRADIUS").arg(RADIUS_M).arg("m").arg("ASC").arg("COUNT").arg(WANTED).arg("WITHDIST");
        resp::send(&mut self.0, &command).await
    }
}
