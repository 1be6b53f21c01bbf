//! Whether an answer is right: a fast wrong answer is worth nothing.

use std::collections::HashSet;

use bytes::Bytes;
use nearby_proto::v1::{
    BatchSearchNearbyResponse, CoordinateSystem, Merchant, NearbyResult, SearchNearbyResponse,
    StreamSearchNearbyResponse, batch_search_nearby_result, stream_search_nearby_response,
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
    /// One search.
    Search(Asked),
    /// All searches of a batch.
    Batch(Vec<Asked>),
    /// All searches of a stream, tagged from 0.
    Stream(Vec<Asked>),
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
    /// It answers another search of the stream.
    #[error("answer {0} of the stream has the tag {1}")]
    Tag(u64, u64),
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
    /// Judges an answer; without a world its order and its distances alone.
    ///
    /// # Errors
    /// It is wrong. An answer with another status than OK is judged elsewhere.
    pub fn judge(&self, reply: &Reply, oracle: Option<&Oracle>) -> Result<(), Wrong> {
        if reply.code != Code::OK {
            return Ok(());
        }
        let messages = &reply.messages;
        let judge_all = |all: &[Asked], answers: Vec<Option<SearchNearbyResponse>>| {
            if answers.len() != all.len() {
                return Err(Wrong::Count(answers.len(), all.len()));
            }
            // One with a status of its own is no answer, and no wrong one.
            let mut pairs =
                all.iter().zip(&answers).filter_map(|(asked, answer)| Some((asked, answer.as_ref()?)));
            pairs.try_for_each(|(asked, answer)| asked.judge(answer, oracle))
        };
        match self {
            Self::Search(asked) => asked.judge(&one(messages)?, oracle),
            Self::Batch(all) => judge_all(all, of_batch(messages)?),
            Self::Stream(all) => judge_all(all, of_stream(messages)?),
            Self::Get(number) => {
                let merchant: Merchant = one(messages)?;
                let expected = oracle.map(|oracle| oracle.world().merchant(*number));
                let is_it = expected.is_none_or(|expected| {
                    merchant.name == expected.name && merchant.position == expected.position
                });
                if is_it { Ok(()) } else { Err(Wrong::Stranger(merchant.name)) }
            }
        }
    }
}

fn one<M: Message + Default>(messages: &[Bytes]) -> Result<M, Wrong> {
    let [message] = messages else { return Err(Wrong::Unreadable) };
    M::decode(message.clone()).map_err(|_| Wrong::Unreadable)
}

fn of_batch(messages: &[Bytes]) -> Result<Vec<Option<SearchNearbyResponse>>, Wrong> {
    let batch: BatchSearchNearbyResponse = one(messages)?;
    let response = |outcome| match outcome {
        batch_search_nearby_result::Outcome::Response(response) => Some(response),
        batch_search_nearby_result::Outcome::Status(_) => None,
    };
    let answers =
        batch.results.into_iter().map(|result| result.outcome.map(response).ok_or(Wrong::Unreadable));
    answers.collect()
}

fn of_stream(messages: &[Bytes]) -> Result<Vec<Option<SearchNearbyResponse>>, Wrong> {
    let answer = |(at, message): (u64, &Bytes)| {
        let answer = StreamSearchNearbyResponse::decode(message.clone()).map_err(|_| Wrong::Unreadable)?;
        if answer.tag != at {
            return Err(Wrong::Tag(at, answer.tag));
        }
        Ok(match answer.outcome.ok_or(Wrong::Unreadable)? {
            stream_search_nearby_response::Outcome::Response(response) => Some(response),
            stream_search_nearby_response::Outcome::Status(_) => None,
        })
    };
    (0..).zip(messages).map(answer).collect()
}

impl Asked {
    fn judge(&self, answer: &SearchNearbyResponse, oracle: Option<&Oracle>) -> Result<(), Wrong> {
        let results = &answer.results;
        if results.len() > self.most && self.is_whole {
            return Err(Wrong::TooMany(results.len()));
        }
        let key = |result: &NearbyResult| (result.distance_m, name_of(result).to_owned());
        if let Some(at) = results.windows(2).position(|pair| key(&pair[0]) >= key(&pair[1])) {
            return Err(Wrong::Order(at + 1));
        }
        let mut names = HashSet::new();
        if let Some(twice) = results.iter().map(name_of).find(|name| !names.insert(*name)) {
            return Err(Wrong::Stranger(twice.to_owned()));
        }
        let [least, most] = self.ring_m;
        if let Some(at) = results.iter().position(|result| !(least..=most).contains(&result.distance_m)) {
            return Err(Wrong::Outside(at));
        }
        results.iter().try_for_each(|result| self.judge_one(result, oracle))?;
        match oracle.filter(|_| self.is_whole) {
            Some(oracle) => self.judge_all(answer, oracle),
            None => Ok(()),
        }
    }

    fn judge_one(&self, result: &NearbyResult, oracle: Option<&Oracle>) -> Result<(), Wrong> {
        let name = name_of(result);
        let stranger = || Wrong::Stranger(name.to_owned());
        // Of merchants that are not of the world it is as far as their own position says, where the view shows it.
        let own = || {
            let position = result.merchant.as_ref()?.position?;
            let is_known = position.coordinate_system() == CoordinateSystem::Wgs84;
            is_known.then_some(Place { latitude: position.latitude, longitude: position.longitude })
        };
        let place = match oracle.filter(|_| !name.starts_with(OWN)) {
            None => own(),
            Some(oracle) => {
                let world = oracle.world();
                let number = world.number_of(name).ok_or_else(stranger)?;
                if !world.is_visible(number) || !self.passes(number, oracle) {
                    return Err(stranger());
                }
                Some(world.place(number))
            }
        };
        let off = place.map_or(0.0, |place| (result.distance_m - distance_m(self.from, place)).abs());
        if off > tolerance_m(result.distance_m) { Err(Wrong::Distance(name.to_owned(), off)) } else { Ok(()) }
    }

    /// Whether all are there that are nearer than the last, or that there are where no page follows. Of those at the
    /// very point of the last, whether they are the ones with the smallest names.
    fn judge_all(&self, answer: &SearchNearbyResponse, oracle: &Oracle) -> Result<(), Wrong> {
        let world = oracle.world();
        let results = &answer.results;
        let last = results.last().filter(|_| !answer.next_page_token.is_empty());
        let last_m = last.map_or(self.ring_m[1], |last| last.distance_m);
        let last_at = last.and_then(|last| world.number_of(name_of(last))).map(|number| world.place(number));
        let sure = tolerance_m(self.ring_m[1]);
        let there: HashSet<&str> = results.iter().map(name_of).collect();
        let expected =
            oracle.nearest(self.from, self.ring_m, self.most, |number| self.passes(number, oracle));
        for near in expected {
            let name = world.name(near.number);
            // At an edge the last bits decide, and they may.
            let is_within = self.ring_m[0] <= 0.0 || near.distance_m > self.ring_m[0] + sure;
            let is_tie =
                last_at == Some(world.place(near.number)) && last.is_some_and(|last| *name < *name_of(last));
            let is_sure = is_within && (near.distance_m < last_m - sure || is_tie);
            if is_sure && !there.contains(name.as_str()) {
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
            let page = |results: &[NearbyResult]| SearchNearbyResponse {
                results: results.to_vec(),
                next_page_token: if results.len() < 20 { String::new() } else { "more".to_owned() },
                ..Default::default()
            };
            assert_eq!(asked.judge(&page(&good), Some(&oracle)), Ok(()));
            let is_tie = |at: usize| good[at].distance_m == good[at + 1].distance_m;
            if good.len() < 20 || is_tie(3) || is_tie(18) {
                continue;
            }
            tried += 1;
            let wrong = |spoil: fn(&mut Vec<NearbyResult>)| {
                let mut bad = good.clone();
                spoil(&mut bad);
                asked.judge(&page(&bad), Some(&oracle)).unwrap_err()
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
        let reply = |messages| Reply { code: Code::OK, messages, bytes: 0, sent: None };
        let check = Check::Get(3);
        let bytes = Bytes::from(oracle.world().merchant(3).encode_to_vec());
        assert_eq!(check.judge(&reply(vec![bytes]), Some(&oracle)), Ok(()));
        let other = Bytes::from(oracle.world().merchant(4).encode_to_vec());
        assert!(check.judge(&reply(vec![other]), Some(&oracle)).is_err());
        assert_eq!(check.judge(&reply(Vec::new()), Some(&oracle)), Err(Wrong::Unreadable));
    }
}
