//! Nearby: `SearchNearby` with the BASIC view, over HTTP/2 connections with one stream each.

use std::{
    io,
    time::{Duration, Instant},
};

use futures_util::{FutureExt, future::BoxFuture};
use nearby_client::Access;
use nearby_proto::v1::{MerchantView, SearchNearbyRequest, SearchNearbyResponse};
use prost::Message;

use super::{
    LIMIT, RADIUS_M,
    system::{Connection, Found, RawResponse, System},
};
use crate::{
    dataset::{Dataset, GeoPoint},
    error::Error,
    h2_client::{Call, Code, ConnectionPool, Reply, Target, encode_framed},
    import::import,
    workload::Kind,
};

/// Deadline of a search. The rivals' clients have none.
const DEADLINE: Duration = Duration::from_secs(30);

/// A server.
#[derive(Debug)]
pub(super) struct Nearby {
    url: String,
    target: Target,
}

/// One connection. A pool with several would add waiting for a free stream.
struct NearbyConnection(ConnectionPool);

impl Nearby {
    pub(super) fn new(url: &str) -> Result<Self, Error> {
        Ok(Self { url: url.to_owned(), target: Target::new(url, DEADLINE)? })
    }
}

impl System for Nearby {
    fn name(&self) -> &'static str {
        "Nearby"
    }

    /// Imports whole merchants, each stored durably before it is acknowledged.
    fn load<'a>(&'a self, dataset: &'a Dataset) -> BoxFuture<'a, io::Result<()>> {
        async { import(dataset, &self.url, &Access::default()).await.map_err(io::Error::other) }.boxed()
    }

    fn connect(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>> {
        async {
            let pool = ConnectionPool::open(self.target.clone(), 1, 1).await?;
            Ok(Box::new(NearbyConnection(pool)) as Box<dyn Connection>)
        }
        .boxed()
    }
}

impl Connection for NearbyConnection {
    /// Reassembles the response from its frames without decoding it.
    fn search(&mut self, from: GeoPoint) -> BoxFuture<'_, io::Result<Box<dyn RawResponse>>> {
        async move {
            let request = SearchNearbyRequest {
                origin: Some(from.into()),
                radius_m: Some(RADIUS_M),
                page_size: i32::try_from(LIMIT).unwrap_or(i32::MAX),
                view: MerchantView::Basic.into(),
                ..Default::default()
            };
            let call = Call {
                path: Kind::Search.path(),
                messages: encode_framed(&request),
                deadline: Instant::now() + DEADLINE,
                keep_messages: true,
            };
            let reply = self.0.call(&call).await;
            match reply.code {
                Code::OK => Ok(Box::new(reply) as Box<dyn RawResponse>),
                code => Err(io::Error::other(format!("search failed with {}", code.name()))),
            }
        }
        .boxed()
    }
}

impl RawResponse for Reply {
    fn found(&self, dataset: &Dataset) -> Option<Vec<Found>> {
        let [message] = self.messages.as_slice() else { return None };
        let response = SearchNearbyResponse::decode(message.clone()).ok()?;
        let found = response.results.iter().map(|result| {
            let name = result.merchant.as_ref().map_or("", |merchant| &merchant.name);
            Found { number: dataset.number_of(name), distance_m: result.distance_m }
        });
        Some(found.collect())
    }
}
