//! The interface of a system that takes part in a comparison.

use std::{error::Error, io};

use futures_util::future::BoxFuture;

use crate::dataset::{Dataset, GeoPoint};

/// A system that can search for the nearest merchants.
pub(super) trait System: Send + Sync {
    /// Returns its name.
    fn name(&self) -> &'static str;

    /// Loads a dataset, replacing an earlier one.
    fn load<'a>(&'a self, dataset: &'a Dataset) -> BoxFuture<'a, io::Result<()>>;

    /// Opens a connection.
    fn connect(&self) -> BoxFuture<'_, io::Result<Box<dyn Connection>>>;
}

/// A connection that handles one query at a time.
pub(super) trait Connection: Send {
    /// Searches for the nearest merchants and waits for the complete response.
    fn search(&mut self, from: GeoPoint) -> BoxFuture<'_, io::Result<Box<dyn RawResponse>>>;
}

/// A response as its client library returns it. It is decoded only if it is verified, so that decoding does not count.
pub(super) trait RawResponse: Send {
    /// Decodes the results in order; `None` if the format is unexpected.
    fn found(&self, dataset: &Dataset) -> Option<Vec<Found>>;
}

/// A result.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Found {
    /// Number of the merchant; `None` if the dataset has no such merchant.
    pub(super) number: Option<u64>,
    /// Distance that the system reports.
    pub(super) distance_m: f64,
}

/// Adds the system's name and all causes to an error: client libraries report the reason in the sources of their errors.
pub(super) fn with_context(name: &str, context: &str, error: &dyn Error) -> io::Error {
    let mut text = format!("{name} {context}: {error}");
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
