//! PostGIS: a table of ids and `geography` points with a GiST index, asked through a prepared statement.

use std::{fmt::Write, io, pin::pin};

use bytes::Bytes;
use futures_util::SinkExt;
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use super::{
    RADIUS_M, WANTED,
    system::{Found, named},
};
use crate::dataset::{Place, World};

const TABLE: &str = "nearby_compare";
/// Merchants that are sent together.
const AT_ONCE: u64 = 5_000;

/// A database.
#[derive(Debug)]
pub(super) struct PostGis(Config);

pub(super) struct Line {
    client: Client,
    search: Statement,
}

impl PostGis {
    pub(super) fn new(settings: &str) -> io::Result<Self> {
        let example = "not settings such as \"host=127.0.0.1 port=5432 user=postgres dbname=nearby\"";
        settings.parse().map(Self).map_err(|error: tokio_postgres::Error| named("--postgis", example, &error))
    }

    pub(super) async fn connect(&self) -> io::Result<Line> {
        let client = self.client().await?;
        let search = client.prepare(&search()).await.map_err(told)?;
        Ok(Line { client, search })
    }

    async fn client(&self) -> io::Result<Client> {
        let (client, connection) = self.0.connect(NoTls).await.map_err(told)?;
        // How it ends is seen by the statements on it.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }

    /// Rows first and the index after: the fast way. What the planner and searches want is made at the end.
    pub(super) async fn load(&self, world: &World) -> io::Result<()> {
        let client = self.client().await?;
        let run = async |sql: String| client.batch_execute(&sql).await.map_err(told);
        run("CREATE EXTENSION IF NOT EXISTS postgis".to_owned()).await?;
        run(format!("DROP TABLE IF EXISTS {TABLE}")).await?;
        run(format!("CREATE TABLE {TABLE} (id bigint NOT NULL, g geography(Point, 4326) NOT NULL)")).await?;
        let copy = format!("COPY {TABLE} (id, g) FROM STDIN");
        let mut sink = pin!(client.copy_in::<_, Bytes>(&copy).await.map_err(told)?);
        for first in (0..world.count()).step_by(usize::try_from(AT_ONCE).unwrap_or(1)) {
            sink.send(rows(world, first)).await.map_err(told)?;
        }
        sink.finish().await.map_err(told)?;
        run(format!("ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")).await?;
        run(format!("CREATE INDEX ON {TABLE} USING gist (g)")).await?;
        run(format!("VACUUM ANALYZE {TABLE}")).await
    }
}

/// Lines of COPY's text format: ids and places of those that searches find.
fn rows(world: &World, first: u64) -> Bytes {
    let mut text = String::new();
    for number in (first..world.count().min(first + AT_ONCE)).filter(|number| world.is_visible(*number)) {
        let Place { latitude, longitude } = world.place(number);
        // Writing to a string cannot fail. Coordinates keep their last bit.
        let _ = writeln!(text, "{number}\tSRID=4326;POINT({longitude} {latitude})");
    }
    text.into()
}

/// `g <-> p` lets the index hand the rows out by distance, so that few are looked at.
fn search() -> String {
    format!(
        "SELECT id, ST_Distance(g, p) FROM {TABLE}, \
         (SELECT ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography AS p) AS origin \
         WHERE ST_DWithin(g, p, {RADIUS_M}) ORDER BY g <-> p LIMIT {WANTED}"
    )
}

impl Line {
    pub(super) async fn ask(&self, from: Place) -> io::Result<Vec<Row>> {
        self.client.query(&self.search, &[&from.longitude, &from.latitude]).await.map_err(told)
    }
}

/// Whom an answer names.
pub(super) fn found(rows: &[Row]) -> Option<Vec<Found>> {
    let found = |row: &Row| {
        let number = u64::try_from(row.try_get::<_, i64>(0).ok()?).ok();
        Some(Found { number, distance_m: row.try_get(1).ok()? })
    };
    rows.iter().map(found).collect()
}

/// What the database says is in the source of the client's error.
fn told(error: tokio_postgres::Error) -> io::Error {
    let text = error.as_db_error().map(ToString::to_string);
    text.map_or_else(|| named("PostgreSQL", "fails", &error), io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;

    #[test]
    fn rows_have_every_bit_of_a_place_and_no_hidden_merchant() {
        let world = World::new(1, 1_000, &Source::Ours).unwrap();
        let text = String::from_utf8(rows(&world, 0).to_vec()).unwrap();
        let visible = (0..1_000).filter(|number| world.is_visible(*number)).count();
        assert_eq!(text.lines().count(), visible);
        let (number, point) = text.lines().next().unwrap().split_once('\t').unwrap();
        let degrees = point.trim_start_matches("SRID=4326;POINT(").trim_end_matches(')');
        let (longitude, latitude) = degrees.split_once(' ').unwrap();
        let place = Place { latitude: latitude.parse().unwrap(), longitude: longitude.parse().unwrap() };
        assert_eq!(place, world.place(number.parse().unwrap()));
    }

    #[test]
    fn settings_that_are_none_are_refused_with_an_example() {
        assert!(PostGis::new("host=127.0.0.1 dbname=x").is_ok());
        assert!(PostGis::new("nonsense").unwrap_err().to_string().contains("dbname=nearby"));
    }
}
