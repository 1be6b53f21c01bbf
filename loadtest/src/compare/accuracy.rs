//! How right answers are, beside exact geodesics.

use std::{collections::HashSet, io};

use futures_util::future::try_join_all;
use serde::Serialize;

use super::{
    RADIUS_M, WANTED,
    queries::Questions,
    system::{Answer, Connection, Found},
};
use crate::dataset::{Oracle, Place, distance_m};

/// Merchants whose distances differ by less than this are equally far.
const TIE_M: f64 = 1e-5;
/// What Nearby's contract allows a distance to be off by up to 5 km, and the oracle's own last bits.
const ALLOWED_M: f64 = 1.1e-5;

/// How right a system's answers were.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(super) struct Accuracy {
    /// Answers that were judged.
    pub(super) answers: u64,
    /// Merchants that the answers should have had; where one had more, as many as it had.
    pub(super) wanted: u64,
    /// Merchants in them that belong there.
    pub(super) right: u64,
    /// Answers with all of them and in the exact order.
    pub(super) exact: u64,
    /// The most that a distance was off by.
    pub(super) worst_error_m: f64,
}

impl Accuracy {
    /// Whether all were as Nearby promises.
    pub(super) fn is_right(&self) -> bool {
        self.exact == self.answers && self.worst_error_m <= ALLOWED_M
    }

    /// Merchants that belong where they are, in a hundred.
    pub(super) fn right_percent(&self) -> f64 {
        percent(self.right, self.wanted)
    }

    /// Answers that are exact, in a hundred.
    pub(super) fn exact_percent(&self) -> f64 {
        percent(self.exact, self.answers)
    }

    fn add(&mut self, other: &Self) {
        self.answers += other.answers;
        self.wanted += other.wanted;
        self.right += other.right;
        self.exact += other.exact;
        self.worst_error_m = self.worst_error_m.max(other.worst_error_m);
    }
}

fn percent(part: u64, whole: u64) -> f64 {
    if whole == 0 { 100.0 } else { part as f64 / whole as f64 * 100.0 }
}

/// Asks the first so many questions, on all connections at a time, and judges what comes.
pub(super) async fn judge(
    connections: &mut [Connection],
    questions: &Questions,
    oracle: &Oracle,
    count: usize,
) -> io::Result<Accuracy> {
    let apart = connections.len();
    let asked = connections.iter_mut().enumerate().map(|(first, connection)| async move {
        let mut answers: Vec<(Place, Answer)> = Vec::new();
        for number in (first..count).step_by(apart) {
            let from = questions.at(number as u64);
            answers.push((from, connection.ask(from).await?));
        }
        Ok::<_, io::Error>(answers)
    });
    let mut accuracy = Accuracy::default();
    for (from, answer) in try_join_all(asked).await?.into_iter().flatten() {
        accuracy.add(&judge_one(from, &answer.found(oracle.world())?, oracle));
    }
    Ok(accuracy)
}

fn judge_one(from: Place, found: &[Found], oracle: &Oracle) -> Accuracy {
    let world = oracle.world();
    let expected = oracle.nearest(from, [0.0, RADIUS_M], WANTED, |_| true);
    let reach_m = expected.get(WANTED - 1).map_or(RADIUS_M, |last| last.distance_m) + TIE_M;
    let wanted = expected.len().min(WANTED);
    let (mut seen, mut in_order) = (HashSet::new(), 0);
    let mut accuracy = Accuracy { answers: 1, wanted: wanted.max(found.len()) as u64, ..Default::default() };
    for (at, found) in found.iter().enumerate() {
        let Some(number) = found.number.filter(|number| *number < world.count()) else { continue };
        let exact_m = distance_m(from, world.place(number));
        accuracy.worst_error_m = accuracy.worst_error_m.max((found.distance_m - exact_m).abs());
        // Once each.
        if !seen.insert(number) || !world.is_visible(number) || exact_m > reach_m {
            continue;
        }
        accuracy.right += 1;
        if expected.get(at).is_some_and(|near| (near.distance_m - exact_m).abs() <= TIE_M) {
            in_order += 1;
        }
    }
    accuracy.exact = u64::from(in_order == wanted && found.len() == wanted);
    accuracy
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Near, Source, World};

    fn case() -> (Oracle, Place, Vec<Found>) {
        let oracle = Oracle::new(&World::new(1, 50_000, &Source::Ours).unwrap());
        let from = oracle.world().place(7);
        let near = oracle.nearest(from, [0.0, RADIUS_M], WANTED, |_| true);
        assert!(near.len() >= WANTED, "a place in a city");
        let found = |near: &Near| Found { number: Some(near.number), distance_m: near.distance_m };
        let found = near.iter().take(WANTED).map(found).collect();
        (oracle, from, found)
    }

    #[test]
    fn the_right_answer_is_right() {
        let (oracle, from, found) = case();
        let accuracy = judge_one(from, &found, &oracle);
        assert!(accuracy.is_right(), "{accuracy:?}");
        assert_eq!((accuracy.right, accuracy.wanted), (20, 20));
    }

    #[test]
    fn each_fault_is_seen() {
        let (oracle, from, right) = case();
        let judge = |found: &[Found]| judge_one(from, found, &oracle);
        let mut turned = right.clone();
        turned.reverse();
        assert_eq!((judge(&turned).right, judge(&turned).exact), (20, 0), "order");
        assert_eq!((judge(&right[..19]).right, judge(&right[..19]).exact), (19, 0), "one is missing");
        let mut twice = right.clone();
        twice[19] = twice[0];
        assert_eq!((judge(&twice).right, judge(&twice).exact), (19, 0), "one is there twice");
        let mut stranger = right.clone();
        stranger[3].number = None;
        assert_eq!((judge(&stranger).right, judge(&stranger).exact), (19, 0), "nobody knows it");
        let mut off = right.clone();
        off[3].distance_m += 0.5;
        assert!((judge(&off).worst_error_m - 0.5).abs() < 1e-6 && !judge(&off).is_right());
        assert_eq!(judge(&off).exact, 1);
        let too_many = [right.clone(), right].concat();
        assert_eq!((judge(&too_many).wanted, judge(&too_many).exact), (40, 0));
    }
}
