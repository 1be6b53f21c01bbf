//! Tile38: an R-tree over degrees behind RESP, with distances on a sphere.

use std::io;

use ::redis::{Client, Pipeline, Value, aio::MultiplexedConnection, cmd, pipe};
use futures_util::{FutureExt, StreamExt, TryStreamExt, future::BoxFuture, stream};

use super::{
    LIMIT, RADIUS_M,
    resp::{self, KEY},
    system::{Connection, Found, RawResponse, System},
};
use crate::dataset::{Dataset, GeoPoint};

/// Commands per pipeline, and concurrent pipelines.
const BATCH: u64 = 1_000;
const PIPELINES: usize = 4;

/// A server.
#[derive(Debug)]
pub(super) struct Tile38(Client);

struct Tile38Connection(MultiplexedConnection);

struct Tile38Response(Value);

impl Tile38 {
    pub(super) fn new(url: &str) -> io::Result<Self> {
        resp::client(url).map(Self)
    }
}

impl System for Tile38 {
    fn name(&self) -> &'static str {
        "Tile38"
    }

    /// Loads ids and locations of the visible merchants.
    fn load<'a>(&'a self, dataset: &'a Dataset) -> BoxFuture<'a, io::Result<()>> {
        async {
            let mut connection = resp::connect(&self.0).await?;
            resp::send::<()>(&mut connection, cmd("DROP").arg(KEY)).await?;
            let batches = (0..dataset.count()).step_by(usize::try_from(BATCH).unwrap_or(1));
            let sets = stream::iter(batches).map(|first| {
                let (sets, mut connection) = (set(dataset, first), connection.clone());
                async move { sets.query_async::<()>(&mut connection).await.map_err(io::Error::other) }
            });
            sets.buffer_unordered(PIPELINES).try_collect().await
        }
        .boxed()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async {
            let connection = resp::connect(&self.0).await?;
            Ok(Box::new(Tile38Connection(connection)) as Box<dyn Connection>)
        }
        .boxed()
    }
}

/// Builds a pipeline of one SET per merchant: Tile38 has no command for several.
fn set(dataset: &Dataset, first: u64) -> Pipeline {
    let mut sets = pipe();
    for number in (first..dataset.count().min(first + BATCH)).filter(|number| dataset.is_visible(*number)) {
        let point = dataset.location(number);
        sets.cmd("SET").arg(KEY).arg(number).arg("POINT").arg(point.latitude).arg(point.longitude).ignore();
    }
    sets
}

impl Connection for Tile38Connection {
    /// Searches for ids and distances. Tile38 before 1.30 omits the distances, and its responses are rejected.
    fn search(&mut self, from: GeoPoint) -> BoxFuture<'_, io::Result<Box<dyn RawResponse>>> {
        async move {
            let mut command = cmd("NEARBY");
            command.arg(KEY).arg("LIMIT").arg(LIMIT).arg("DISTANCE").arg("IDS");
            command.arg("POINT").arg(from.latitude).arg(from.longitude).arg(RADIUS_M);
            let value = resp::send(&mut self.0, &command).await?;
            Ok(Box::new(Tile38Response(value)) as Box<dyn RawResponse>)
        }
        .boxed()
    }
}

impl RawResponse for Tile38Response {
    fn found(&self, _: &Dataset) -> Option<Vec<Found>> {
        decode(&self.0)
    }
}

/// Decodes a response: a cursor, then the pairs.
fn decode(value: &Value) -> Option<Vec<Found>> {
    let Value::Array(parts) = value else { return None };
    let [_cursor, pairs] = parts.as_slice() else { return None };
    resp::pairs(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_response_is_a_cursor_and_pairs() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let pair = Value::Array(vec![text("42"), text("1234.5")]);
        let response = Value::Array(vec![Value::Int(1), Value::Array(vec![pair])]);
        assert_eq!(decode(&response), Some(vec![Found { number: Some(42), distance_m: 1_234.5 }]));
        assert_eq!(decode(&Value::Array(Vec::new())), None);
    }
}
