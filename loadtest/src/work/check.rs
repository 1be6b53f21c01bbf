//! Whether an answer is right: a fast wrong answer is worth nothing.

use std::collections::HashMap;

use bytes::Bytes;
use nearby_proto::v1::{
    BatchSearchNearbyResponse, Merchant, NearbyResult, SearchNearbyResponse, StreamSearchNearbyResponse,
    batch_search_nearby_result, stream_search_nearby_response,
};
use prost::Message;
use thiserror::Error;

use super::requests::OWN;
use crate::{
    wire::{Code, Reply},
    world::{Oracle, Place, distance_m},
};

/// How to judge an answer.
#[derive(Clone, Debug)]
pub enum Check {
    /// One search, or all of a batch or a stream.
    Searches(Vec<Asked>),
    /// Whether it is this merchant.
    Get(u64),
}

/// What a search asked for.
#[derive(Clone, Debug)]
pub struct Asked {
    /// Where it started.
    pub from: Place,
    /// The least and the greatest distance in metres.
    pub ring_m: [f64; 2],
    /// Most results.
    pub most: usize,
    /// Only merchants of this category.
    pub category: Option<&'static str>,
    /// Whether the answer must have all that the world has there; otherwise only order and distances are judged.
    pub is_whole: bool,
}

/// Why an answer is wrong. Says nothing of where.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum Wrong {
    /// It cannot be read.
    #[error("it cannot be read as the method's answer")]
    Unreadable,
    /// It has more or fewer answers than there were searches.
    #[error("it has {0} answers to {1} searches")]
    Count(usize, usize),
    /// It is not in order.
    #[error("result {0} is nearer than the one before it, or as far and of a smaller name")]
    Order(usize),
    /// It is not within the ring.
    #[error("result {0} lies outside of the ring that was asked for")]
    Outside(usize),
    /// It has more than were asked for.
    #[error("it has {0} results, more than asked for")]
    TooMany(usize),
    /// A distance is not that of the geodesic.
    #[error("the distance of {0} is off by {1:e} m")]
    Distance(String, f64),
    /// A merchant is there that must not be.
    #[error("{0} must not be in it")]
    Stranger(String),
    /// A merchant is not there that must be.
    #[error("{0} must be in it")]
    Missing(String),
}

/// What the contract allows a distance to be off by, and the oracle's own last bits.
fn tolerance_m(reach_m: f64) -> f64 {
    if reach_m <= 5_000.0 { 1.1e-5 } else { 2.1e-3 }
}

impl Check {
    /// Judges an answer.
    ///
    /// # Errors
    /// It is wrong. An answer with another status than OK is judged elsewhere.
    pub fn judge(&self, reply: &Reply, oracle: &Oracle) -> Result<(), Wrong> {
        if reply.code != Code::OK {
            return Ok(());
        }
        match self {
            Self::Searches(all) => {
                let answers = answers(&reply.messages, all.len())?;
                all.iter().zip(&answers).try_for_each(|(asked, answer)| asked.judge(&answer.results, oracle))
            }
            Self::Get(number) => {
                let merchant: Merchant = one(&reply.messages)?;
                let expected = oracle.world().merchant(*number);
                let is_it = merchant.name == expected.name && merchant.position == expected.position;
                if is_it { Ok(()) } else { Err(Wrong::Stranger(merchant.name)) }
            }
        }
    }
}

fn one<M: Message + Default>(messages: &[Bytes]) -> Result<M, Wrong> {
    let [message] = messages else { return Err(Wrong::Unreadable) };
    M::decode(message.clone()).map_err(|_| Wrong::Unreadable)
}

/// The answers to one search, to those of a batch, or to those of a stream: told apart by what they are.
fn answers(messages: &[Bytes], count: usize) -> Result<Vec<SearchNearbyResponse>, Wrong> {
    if count == 1 && messages.len() == 1 {
        return one(messages).map(|answer| vec![answer]);
    }
    let answers: Option<Vec<_>> = if messages.len() == 1 {
        let batch: BatchSearchNearbyResponse = one(messages)?;
        let response = |outcome| match outcome {
            batch_search_nearby_result::Outcome::Response(response) => Some(response),
            batch_search_nearby_result::Outcome::Status(_) => None,
        };
        batch.results.into_iter().map(|result| result.outcome.and_then(response)).collect()
    } else {
        let response =
            |message: &Bytes| match StreamSearchNearbyResponse::decode(message.clone()).ok()?.outcome? {
                stream_search_nearby_response::Outcome::Response(response) => Some(response),
                stream_search_nearby_response::Outcome::Status(_) => None,
            };
        messages.iter().map(response).collect()
    };
    let answers = answers.ok_or(Wrong::Unreadable)?;
    if answers.len() == count { Ok(answers) } else { Err(Wrong::Count(answers.len(), count)) }
}

impl Asked {
    fn judge(&self, results: &[NearbyResult], oracle: &Oracle) -> Result<(), Wrong> {
        if results.len() > self.most && self.is_whole {
            return Err(Wrong::TooMany(results.len()));
        }
        let key = |result: &NearbyResult| (result.distance_m, name_of(result).to_owned());
        if let Some(at) = results.windows(2).position(|pair| key(&pair[0]) >= key(&pair[1])) {
            return Err(Wrong::Order(at + 1));
        }
        let [least, most] = self.ring_m;
        if let Some(at) = results.iter().position(|result| !(least..=most).contains(&result.distance_m)) {
            return Err(Wrong::Outside(at));
        }
        for result in results {
            self.judge_one(result, oracle)?;
        }
        if self.is_whole { self.judge_all(results, oracle) } else { Ok(()) }
    }

    fn judge_one(&self, result: &NearbyResult, oracle: &Oracle) -> Result<(), Wrong> {
        let name = name_of(result);
        let stranger = || Wrong::Stranger(name.to_owned());
        if name.starts_with(OWN) {
            return Ok(());
        }
        let world = oracle.world();
        let number = world.number_of(name).ok_or_else(stranger)?;
        if !world.is_visible(number) || !self.passes(number, oracle) {
            return Err(stranger());
        }
        let off = (result.distance_m - distance_m(self.from, world.place(number))).abs();
        if off > tolerance_m(self.ring_m[1]) { Err(Wrong::Distance(name.to_owned(), off)) } else { Ok(()) }
    }

    /// Whether all are there that are nearer than the last, or that there are where the answer is not full.
    fn judge_all(&self, results: &[NearbyResult], oracle: &Oracle) -> Result<(), Wrong> {
        let is_full = results.len() == self.most;
        let last = results.last().filter(|_| is_full).map_or(self.ring_m[1], |last| last.distance_m);
        let sure = tolerance_m(self.ring_m[1]);
        let there: HashMap<&str, f64> =
            results.iter().map(|result| (name_of(result), result.distance_m)).collect();
        let expected =
            oracle.nearest(self.from, self.ring_m, self.most, |number| self.passes(number, oracle));
        for near in expected {
            // At an edge the last bits decide, and they may.
            let is_sure = near.distance_m < last - sure && near.distance_m > self.ring_m[0] + sure;
            let name = oracle.world().name(near.number);
            if is_sure && !there.contains_key(name.as_str()) {
                return Err(Wrong::Missing(name));
            }
        }
        Ok(())
    }

    fn passes(&self, number: u64, oracle: &Oracle) -> bool {
        self.category
            .is_none_or(|category| oracle.world().merchant(number).categories.iter().any(|of| of == category))
    }
}

fn name_of(result: &NearbyResult) -> &str {
    result.merchant.as_ref().map_or("", |merchant| &merchant.name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::world::{Source, World, random_of};

    /// The right answer to a search, made of the oracle's own.
    fn right(asked: &Asked, oracle: &Oracle) -> Vec<NearbyResult> {
        let mut near = oracle.nearest(asked.from, asked.ring_m, asked.most, |_| true);
        let name = |number| oracle.world().name(number);
        near.sort_by(|a, b| {
            a.distance_m.total_cmp(&b.distance_m).then_with(|| name(a.number).cmp(&name(b.number)))
        });
        near.truncate(asked.most);
        let result = |near: crate::world::Near| NearbyResult {
            merchant: Some(Merchant { name: name(near.number), ..Default::default() }),
            distance_m: near.distance_m,
            ..Default::default()
        };
        near.into_iter().map(result).collect()
    }

    #[test]
    fn right_answers_pass_and_every_sort_of_wrong_one_is_found() {
        let world = World::new(9, 200_000, &Source::Ours).unwrap();
        let oracle = Oracle::new(&world);
        let mut random = random_of(9, 98, 0);
        let mut tried = 0;
        while tried < 20 {
            let from = world.somewhere(&mut random);
            let asked = Asked { from, ring_m: [0.0, 5_000.0], most: 20, category: None, is_whole: true };
            let good = right(&asked, &oracle);
            assert_eq!(asked.judge(&good, &oracle), Ok(()));
            let is_tie = |at: usize| good[at].distance_m == good[at + 1].distance_m;
            if good.len() < 20 || is_tie(3) || is_tie(18) {
                continue;
            }
            tried += 1;
            let wrong = |spoil: fn(&mut Vec<NearbyResult>)| {
                let mut bad = good.clone();
                spoil(&mut bad);
                asked.judge(&bad, &oracle).unwrap_err()
            };
            assert_eq!(wrong(|bad| bad.swap(3, 4)), Wrong::Order(4));
            assert!(matches!(wrong(|bad| drop(bad.remove(3))), Wrong::Missing(_)));
            assert!(matches!(wrong(|bad| bad[19].distance_m += 0.001), Wrong::Distance(..)));
            assert_eq!(wrong(|bad| bad[19].distance_m = 5_001.0), Wrong::Outside(19));
            assert!(matches!(wrong(|bad| bad[19].merchant = Some(Merchant::default())), Wrong::Stranger(_)));
            assert!(matches!(
                wrong(|bad| bad.push(NearbyResult { distance_m: 5_000.0, ..bad[19].clone() })),
                Wrong::TooMany(21)
            ));
        }
    }

    #[test]
    fn a_reply_is_read_by_what_it_is() {
        let oracle = Oracle::new(&World::new(1, 10, &Source::Ours).unwrap());
        let reply = |messages| Reply { code: Code::OK, messages, bytes: 0 };
        let check = Check::Get(3);
        let bytes = Bytes::from(oracle.world().merchant(3).encode_to_vec());
        assert_eq!(check.judge(&reply(vec![bytes]), &oracle), Ok(()));
        let other = Bytes::from(oracle.world().merchant(4).encode_to_vec());
        assert!(check.judge(&reply(vec![other]), &oracle).is_err());
        assert_eq!(check.judge(&reply(Vec::new()), &oracle), Err(Wrong::Unreadable));
    }
}
