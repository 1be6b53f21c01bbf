//! A system, a connection to it, an answer of it: whichever it is.

use std::{error::Error, io};

use ::redis::Value;
use tokio_postgres::Row;

use super::{
    nearby::{self, Nearby},
    postgis::{self, PostGis},
    redis::{self, Redis},
    resp,
    tile38::{self, Tile38},
};
use crate::{
    dataset::{Place, World},
    h2_client::Reply,
};

/// What can be asked for the nearest.
#[derive(Debug)]
pub(super) enum System {
    Nearby(Nearby),
    Redis(Redis),
    Tile38(Tile38),
    PostGis(PostGis),
}

/// A connection that is asked one question at a time.
pub(super) enum Connection {
    Nearby(nearby::Line),
    Redis(redis::Line),
    Tile38(tile38::Line),
    PostGis(postgis::Line),
}

/// An answer as its client hands it over: looked into only where it is judged.
#[derive(Debug)]
pub(super) enum Answer {
    Nearby(Reply),
    Redis(Value),
    Tile38(Value),
    PostGis(Vec<Row>),
}

/// A merchant of an answer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Its number in the world; none where the world has no such merchant.
    pub(super) number: Option<u64>,
    /// How far away it is said to be.
    pub(super) distance_m: f64,
}

impl System {
    /// What it is called.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Self::Nearby(_) => "Nearby",
            Self::Redis(_) => "Redis",
            Self::Tile38(_) => "Tile38",
            Self::PostGis(_) => "PostGIS",
        }
    }

    /// Whether it was started by this process, and so holds nothing before it is loaded.
    pub(super) fn is_own(&self) -> bool {
        matches!(self, Self::Nearby(nearby) if nearby.is_own())
    }

    /// Puts the world into it, in place of the one that it may hold from before.
    pub(super) async fn load(&self, world: &World) -> io::Result<()> {
        let loaded = match self {
            Self::Nearby(nearby) => nearby.load(world).await,
            Self::Redis(redis) => redis.load(world).await,
            Self::Tile38(tile38) => tile38.load(world).await,
            Self::PostGis(postgis) => postgis.load(world).await,
        };
        loaded
            .map_err(|error| named(self.name(), "cannot be loaded, see that it runs at its address", &error))
    }

    pub(super) async fn connect(&self) -> io::Result<Connection> {
        let connection = match self {
            Self::Nearby(nearby) => nearby.connect().await.map(Connection::Nearby),
            Self::Redis(redis) => redis.connect().await.map(Connection::Redis),
            Self::Tile38(tile38) => tile38.connect().await.map(Connection::Tile38),
            Self::PostGis(postgis) => postgis.connect().await.map(Connection::PostGis),
        };
        connection.map_err(|error| {
            named(self.name(), "cannot be reached, see that a server runs at its address", &error)
        })
    }
}

impl Connection {
    /// Asks for the nearest and waits for all of the answer.
    pub(super) async fn ask(&mut self, from: Place) -> io::Result<Answer> {
        match self {
            Self::Nearby(line) => line.ask(from).await.map(Answer::Nearby),
            Self::Redis(line) => line.ask(from).await.map(Answer::Redis),
            Self::Tile38(line) => line.ask(from).await.map(Answer::Tile38),
            Self::PostGis(line) => line.ask(from).await.map(Answer::PostGis),
        }
    }
}

impl Answer {
    /// Whom it names, in its order.
    pub(super) fn found(&self, world: &World) -> io::Result<Vec<Found>> {
        let found = match self {
            Self::Nearby(reply) => nearby::found(reply, world),
            Self::Redis(value) => resp::pairs(value),
            Self::Tile38(value) => tile38::found(value),
            Self::PostGis(rows) => postgis::found(rows),
        };
        found.ok_or_else(|| io::Error::other("an answer is not of the form that is known"))
    }
}

/// An error with whose it is, and all that is behind it: clients tell the reason in the sources of what they return.
pub(super) fn named(name: &str, what: &str, error: &dyn Error) -> io::Error {
    let mut text = format!("{name} {what}: {error}");
    let mut source = error.source();
    while let Some(error) = source {
        let reason = error.to_string();
        if !text.ends_with(&reason) {
            text = format!("{text}: {reason}");
        }
        source = error.source();
    }
    io::Error::other(text)
}
