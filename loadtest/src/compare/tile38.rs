//! Tile38: an R-tree over degrees, behind RESP; distances on a sphere.

use std::io;

use ::redis::{Client, Pipeline, Value, aio::MultiplexedConnection, cmd, pipe};
use futures_util::{StreamExt, TryStreamExt, stream};

use super::{
    RADIUS_M, WANTED,
    resp::{self, KEY},
    system::Found,
};
use crate::dataset::{Place, World};

/// Commands that go together, and how many such are under way.
const AT_ONCE: u64 = 1_000;
const PIPELINES: usize = 4;

/// A server.
#[derive(Debug)]
pub(super) struct Tile38(Client);

pub(super) struct Line(MultiplexedConnection);

impl Tile38 {
    pub(super) fn new(url: &str) -> io::Result<Self> {
        resp::client(url).map(Self)
    }

    pub(super) async fn connect(&self) -> io::Result<Line> {
        resp::connect(&self.0).await.map(Line)
    }

    /// Ids and places of those that searches find.
    pub(super) async fn load(&self, world: &World) -> io::Result<()> {
        let mut connection = resp::connect(&self.0).await?;
        resp::send::<()>(&mut connection, cmd("DROP").arg(KEY)).await?;
        let batches = (0..world.count()).step_by(usize::try_from(AT_ONCE).unwrap_or(1));
        let sets = stream::iter(batches).map(|first| {
            let (sets, mut connection) = (set(world, first), connection.clone());
            async move { sets.query_async::<()>(&mut connection).await.map_err(io::Error::other) }
        });
        sets.buffer_unordered(PIPELINES).try_collect().await
    }
}

/// It has no command for several merchants: one for each, sent together.
fn set(world: &World, first: u64) -> Pipeline {
    let mut sets = pipe();
    for number in (first..world.count().min(first + AT_ONCE)).filter(|number| world.is_visible(*number)) {
        let place = world.place(number);
        sets.cmd("SET").arg(KEY).arg(number).arg("POINT").arg(place.latitude).arg(place.longitude).ignore();
    }
    sets
}

impl Line {
    /// Before 1.30 it leaves the distances away where ids are asked for.
    pub(super) async fn ask(&mut self, from: Place) -> io::Result<Value> {
        let mut command = cmd("NEARBY");
        command.arg(KEY).arg("LIMIT").arg(WANTED).arg("DISTANCE").arg("IDS");
        command.arg("POINT").arg(from.latitude).arg(from.longitude).arg(RADIUS_M);
        resp::send(&mut self.0, &command).await
    }
}

/// A cursor comes before the pairs.
pub(super) fn found(value: &Value) -> Option<Vec<Found>> {
    let Value::Array(parts) = value else { return None };
    let [_cursor, pairs] = parts.as_slice() else { return None };
    resp::pairs(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_cursor_and_pairs() {
        let text = |text: &str| Value::BulkString(text.as_bytes().to_vec());
        let pair = Value::Array(vec![text("42"), text("1234.5")]);
        let answer = Value::Array(vec![Value::Int(1), Value::Array(vec![pair])]);
        assert_eq!(found(&answer), Some(vec![Found { number: Some(42), distance_m: 1_234.5 }]));
        assert_eq!(found(&Value::Array(Vec::new())), None);
    }
}
