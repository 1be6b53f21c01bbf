//! PostGIS: a table of ids and `geography` points with a GiST index, queried through a prepared statement.

use std::{fmt::Write, io, pin::pin};

use bytes::Bytes;
use futures_util::{FutureExt, SinkExt, future::BoxFuture};
use tokio_postgres::{Client, Config, NoTls, Row, Statement};

use super::{
    LIMIT, RADIUS_M,
    system::{Connection, Found, RawResponse, System, with_context},
};
use crate::dataset::{Dataset, GeoPoint};

const TABLE: &str = "nearby_compare";
/// Merchants per COPY chunk.
const BATCH: u64 = 5_000;

/// A database.
#[derive(Debug)]
pub(super) struct PostGis(Config);

struct PostGisConnection {
    client: Client,
    search: Statement,
}

struct PostGisResponse(Vec<Row>);

impl PostGis {
    pub(super) fn new(settings: &str) -> io::Result<Self> {
        let context = "is invalid, expected \"host=127.0.0.1 port=5432 user=postgres dbname=nearby\"";
        settings
            .parse()
            .map(Self)
            .map_err(|error: tokio_postgres::Error| with_context("--postgis", context, &error))
    }

    async fn client(&self) -> io::Result<Client> {
        let (client, connection) = self.0.connect(NoTls).await.map_err(database_error)?;
        // The statements on the connection observe its errors.
        tokio::spawn(async move { drop(connection.await) });
        Ok(client)
    }
}

impl System for PostGis {
    fn name(&self) -> &'static str {
        "PostGIS"
    }

    /// Copies the rows before creating the index, which is fastest, and then collects the planner's statistics.
    fn load<'a>(&'a self, dataset: &'a Dataset) -> BoxFuture<'a, io::Result<()>> {
        load(self, dataset).boxed()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async {
            let client = self.client().await?;
            let search = client.prepare(&search_sql()).await.map_err(database_error)?;
            Ok(Box::new(PostGisConnection { client, search }) as Box<dyn Connection>)
        }
        .boxed()
    }
}

async fn load(database: &PostGis, dataset: &Dataset) -> io::Result<()> {
    let client = database.client().await?;
    execute(&client, "CREATE EXTENSION IF NOT EXISTS postgis").await?;
    execute(&client, &format!("DROP TABLE IF EXISTS {TABLE}")).await?;
    let columns = "id bigint NOT NULL, g geography(Point, 4326) NOT NULL";
    execute(&client, &format!("CREATE TABLE {TABLE} ({columns})")).await?;
    let copy = format!("COPY {TABLE} (id, g) FROM STDIN");
    let mut sink = pin!(client.copy_in::<_, Bytes>(&copy).await.map_err(database_error)?);
    for first in (0..dataset.count()).step_by(usize::try_from(BATCH).unwrap_or(1)) {
        sink.send(rows(dataset, first)).await.map_err(database_error)?;
    }
    sink.finish().await.map_err(database_error)?;
    execute(&client, &format!("ALTER TABLE {TABLE} ADD PRIMARY KEY (id)")).await?;
    execute(&client, &format!("CREATE INDEX ON {TABLE} USING gist (g)")).await?;
    execute(&client, &format!("VACUUM ANALYZE {TABLE}")).await
}

async fn execute(client: &Client, sql: &str) -> io::Result<()> {
    client.batch_execute(sql).await.map_err(database_error)
}

/// Formats the visible merchants of a chunk as lines of COPY's text format.
fn rows(dataset: &Dataset, first: u64) -> Bytes {
    let mut text = String::new();
    for number in (first..dataset.count().min(first + BATCH)).filter(|number| dataset.is_visible(*number)) {
        let GeoPoint { latitude, longitude } = dataset.location(number);
        // Cannot fail: the target is a string. Rust prints coordinates so that they parse back to the same bits.
        let _ = writeln!(text, "{number}\tSRID=4326;POINT({longitude} {latitude})");
    }
    text.into()
}

/// Returns the query. `ORDER BY g <-> p` lets the GiST index return rows by distance, so that few rows are read.
fn search_sql() -> String {
    format!(
        "SELECT id, ST_Distance(g, p) FROM {TABLE}, \
         (SELECT ST_SetSRID(ST_MakePoint($1, $2), 4326)::geography AS p) AS origin \
         WHERE ST_DWithin(g, p, {RADIUS_M}) ORDER BY g <-> p LIMIT {LIMIT}"
    )
}

impl Connection for PostGisConnection {
    fn search(&mut self, from: GeoPoint) -> BoxFuture<'_, io::Result<Box<dyn RawResponse>>> {
        async move {
            let rows = self.client.query(&self.search, &[&from.longitude, &from.latitude]).await;
            Ok(Box::new(PostGisResponse(rows.map_err(database_error)?)) as Box<dyn RawResponse>)
        }
        .boxed()
    }
}

impl RawResponse for PostGisResponse {
    fn found(&self, _: &Dataset) -> Option<Vec<Found>> {
        let found = |row: &Row| {
            let number = u64::try_from(row.try_get::<_, i64>(0).ok()?).ok();
            Some(Found { number, distance_m: row.try_get(1).ok()? })
        };
        self.0.iter().map(found).collect()
    }
}

/// Extracts the database's message, which is in the source of the client's error.
fn database_error(error: tokio_postgres::Error) -> io::Error {
    let text = error.as_db_error().map(ToString::to_string);
    text.map_or_else(|| with_context("PostgreSQL", "failed", &error), io::Error::other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::Source;

    #[test]
    fn rows_contain_exact_coordinates_of_visible_merchants_only() {
        let dataset = Dataset::new(1, 1_000, &Source::BuiltIn).unwrap();
        let text = String::from_utf8(rows(&dataset, 0).to_vec()).unwrap();
        let visible = (0..1_000).filter(|number| dataset.is_visible(*number)).count();
        assert_eq!(text.lines().count(), visible);
        let (number, point) = text.lines().next().unwrap().split_once('\t').unwrap();
        let degrees = point.trim_start_matches("SRID=4326;POINT(").trim_end_matches(')');
        let (longitude, latitude) = degrees.split_once(' ').unwrap();
        let point = GeoPoint { latitude: latitude.parse().unwrap(), longitude: longitude.parse().unwrap() };
        assert_eq!(point, dataset.location(number.parse().unwrap()));
    }

    #[test]
    fn invalid_settings_are_rejected_with_an_example() {
        assert!(PostGis::new("host=127.0.0.1 dbname=x").is_ok());
        assert!(PostGis::new("nonsense").unwrap_err().to_string().contains("dbname=nearby"));
    }
}
