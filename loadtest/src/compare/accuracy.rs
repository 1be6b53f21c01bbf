//! Correctness of responses, compared with exact geodesics.

use std::{collections::HashSet, io};

use futures_util::future::try_join_all;
use serde::Serialize;

use super::{
    LIMIT, RADIUS_M,
    queries::Queries,
    system::{Connection, Found, RawResponse},
};
use crate::dataset::{GeoPoint, Oracle, distance_m};

/// Distances that differ by less than this count as equal.
const TIE_M: f64 = 1e-5;
/// Error bound of Nearby's contract up to 5 km, plus rounding of the oracle.
const ALLOWED_M: f64 = 1.1e-5;

/// Correctness of a system's responses.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Accuracy {
    /// Responses verified.
    pub(super) responses: u64,
    /// Results that the responses should contain, or the number of results they contain if that is larger.
    pub(super) expected: u64,
    /// Results that belong in the response.
    pub(super) correct: u64,
    /// Responses with all expected results in exact order.
    pub(super) exact: u64,
    /// Largest error of a distance.
    pub(super) worst_error_m: f64,
}

impl Accuracy {
    /// Returns `true` if all responses satisfy Nearby's contract.
    pub(super) fn is_correct(&self) -> bool {
        self.exact == self.responses && self.worst_error_m <= ALLOWED_M
    }

    /// Returns the percentage of results that are correct.
    pub(super) fn correct_percent(&self) -> f64 {
        percent(self.correct, self.expected)
    }

    /// Returns the percentage of responses that are exact.
    pub(super) fn exact_percent(&self) -> f64 {
        percent(self.exact, self.responses)
    }

    fn add(&mut self, other: &Self) {
        self.responses += other.responses;
        self.expected += other.expected;
        self.correct += other.correct;
        self.exact += other.exact;
        self.worst_error_m = self.worst_error_m.max(other.worst_error_m);
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Sends the first `count` queries over all connections and verifies the responses.
pub(super) async fn verify(
    connections: &mut [Box<dyn Connection>],
    queries: &Queries,
    oracle: &Oracle,
    count: usize,
) -> io::Result<Accuracy> {
    let stride = connections.len();
    let searches = connections.iter_mut().enumerate().map(|(first, connection)| async move {
        let mut responses: Vec<(GeoPoint, Box<dyn RawResponse>)> = Vec::new();
        for number in (first..count).step_by(stride) {
            let from = queries.at(number as u64);
            responses.push((from, connection.search(from).await?));
        }
        Ok::<_, io::Error>(responses)
    });
    let mut accuracy = Accuracy::default();
    for (from, response) in try_join_all(searches).await?.into_iter().flatten() {
        let found = response
            .found(oracle.dataset())
            .ok_or_else(|| io::Error::other("a response has an unexpected format"))?;
        accuracy.add(&verify_response(from, &found, oracle));
    }
    Ok(accuracy)
}

fn verify_response(from: GeoPoint, found: &[Found], oracle: &Oracle) -> Accuracy {
    let dataset = oracle.dataset();
    let expected = oracle.nearest(from, [0.0, RADIUS_M], LIMIT, |_| true);
    let reach_m = expected.get(LIMIT - 1).map_or(RADIUS_M, |last| last.distance_m) + TIE_M;
    let expected_count = expected.len().min(LIMIT);
    let (mut seen, mut in_order) = (HashSet::new(), 0);
    let mut accuracy =
        Accuracy { responses: 1, expected: expected_count.max(found.len()) as u64, ..Default::default() };
    for (at, found) in found.iter().enumerate() {
        let Some(number) = found.number.filter(|number| *number < dataset.count()) else { continue };
        let exact_m = distance_m(from, dataset.location(number));
        accuracy.worst_error_m = accuracy.worst_error_m.max((found.distance_m - exact_m).abs());
        // A merchant counts once.
        if !seen.insert(number) || !dataset.is_visible(number) || exact_m > reach_m {
            continue;
        }
        accuracy.correct += 1;
        if expected.get(at).is_some_and(|near| (near.distance_m - exact_m).abs() <= TIE_M) {
            in_order += 1;
        }
    }
    accuracy.exact = u64::from(in_order == expected_count && found.len() == expected_count);
    accuracy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Near, Source};

    fn case() -> (Oracle, GeoPoint, Vec<Found>) {
        let oracle = Oracle::new(&Dataset::new(1, 50_000, &Source::BuiltIn).unwrap());
        let from = oracle.dataset().location(7);
        let near = oracle.nearest(from, [0.0, RADIUS_M], LIMIT, |_| true);
        assert!(near.len() >= LIMIT, "a place in a city");
        let found = |near: &Near| Found { number: Some(near.number), distance_m: near.distance_m };
        let found = near.iter().take(LIMIT).map(found).collect();
        (oracle, from, found)
    }

    #[test]
    fn a_correct_response_is_accepted() {
        let (oracle, from, found) = case();
        let accuracy = verify_response(from, &found, &oracle);
        assert!(accuracy.is_correct(), "{accuracy:?}");
        assert_eq!((accuracy.correct, accuracy.expected), (20, 20));
    }

    #[test]
    fn each_kind_of_error_is_detected() {
        let (oracle, from, correct) = case();
        let verify = |found: &[Found]| verify_response(from, found, &oracle);
        let mut reversed = correct.clone();
        reversed.reverse();
        assert_eq!((verify(&reversed).correct, verify(&reversed).exact), (20, 0), "wrong order");
        assert_eq!((verify(&correct[..19]).correct, verify(&correct[..19]).exact), (19, 0), "one is missing");
        let mut twice = correct.clone();
        twice[19] = twice[0];
        assert_eq!((verify(&twice).correct, verify(&twice).exact), (19, 0), "one is duplicated");
        let mut unknown = correct.clone();
        unknown[3].number = None;
        assert_eq!((verify(&unknown).correct, verify(&unknown).exact), (19, 0), "one is unknown");
        let mut off = correct.clone();
        off[3].distance_m += 0.5;
        assert!((verify(&off).worst_error_m - 0.5).abs() < 1e-6 && !verify(&off).is_correct());
        assert_eq!(verify(&off).exact, 1);
        let too_many = [correct.clone(), correct].concat();
        assert_eq!((verify(&too_many).expected, verify(&too_many).exact), (40, 0));
    }
}
