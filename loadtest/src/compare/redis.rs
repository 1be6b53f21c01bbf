//! Redis: a sorted set of 52-bit geohashes (`GEOADD`, `GEOSEARCH`), with distances on a sphere.

use std::io;

use ::redis::{Client, Cmd, Value, aio::MultiplexedConnection, cmd};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{
    LIMIT, RADIUS_M,
    resp::{self, KEY},
    system::{Connection, Found, RawResponse, System},
};
use crate::dataset::{Dataset, GeoPoint};

/// Merchants per command, and concurrent commands.
const BATCH: u64 = 1_000;
const COMMANDS: usize = 4;
/// Redis rejects points beyond this latitude, the limit of the Mercator projection of its geohashes.
const MAX_LATITUDE: f64 = 85.05;

/// A server.
#[derive(Debug)]
pub(super) struct Redis(Client);

struct RedisConnection(MultiplexedConnection);

struct RedisResponse(Value);

impl Redis {
    pub(super) fn new(url: &str) -> io::Result<Self> {
        resp::client(url).map(Self)
    }
}

impl System for Redis {
    fn name(&self) -> &'static str {
        "Redis"
    }

    /// Loads ids and locations of the visible merchants.
    fn load<'a>(&'a self, dataset: &'a Dataset) -> BoxFuture<'a, io::Result<()>> {
        async {
            let mut connection = resp::connect(&self.0).await?;
            resp::send::<()>(&mut connection, cmd("DEL").arg(KEY)).await?;
            let batches = (0..dataset.count()).step_by(usize::try_from(BATCH).unwrap_or(1));
            let adds = stream::iter(batches).map(|first| {
                let (command, mut connection) = (add(dataset, first), connection.clone());
                async move { resp::send::<()>(&mut connection, &command).await }
            });
            adds.buffer_unordered(COMMANDS).try_collect().await
        }
        .boxed()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async {
            let connection = resp::connect(&self.0).await?;
            Ok(Box::new(RedisConnection(connection)) as Box<dyn Connection>)
        }
        .boxed()
    }
}

fn add(dataset: &Dataset, first: u64) -> Cmd {
    let mut command = cmd("GEOADD");
    command.arg(KEY);
    for number in (first..dataset.count().min(first + BATCH)).filter(|number| dataset.is_visible(*number)) {
        let point = dataset.location(number);
        if point.latitude.abs() < MAX_LATITUDE {
            command.arg(point.longitude).arg(point.latitude).arg(number);
        }
    }
    command
}

impl Connection for RedisConnection {
    /// Searches with the radius in metres: distances have four digits of its unit, so in kilometres they would be rounded to
    /// 10 cm.
    fn search(&mut self, from: GeoPoint) -> BoxFuture<'_, io::Result<Box<dyn RawResponse>>> {
        async move {
            let mut command = cmd("GEOSEARCH");
            command.arg(KEY).arg("FROMLONLAT").arg(from.longitude).arg(from.latitude);
            command.arg("BYRADIUS").arg(RADIUS_M).arg("m").arg("ASC").arg("COUNT").arg(LIMIT).arg("WITHDIST");
            let value = resp::send(&mut self.0, &command).await?;
            Ok(Box::new(RedisResponse(value)) as Box<dyn RawResponse>)
        }
        .boxed()
    }
}

impl RawResponse for RedisResponse {
    fn found(&self, _: &Dataset) -> Option<Vec<Found>> {
        resp::pairs(&self.0)
    }
}
