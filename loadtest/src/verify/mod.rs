//! Whether an answer is right: what it answers, method by method.

use bytes::Bytes;
use nearby_proto::v1::{
    BatchSearchNearbyResponse, Merchant, SearchNearbyResponse, StreamSearchNearbyResponse,
    batch_search_nearby_result, stream_search_nearby_response,
};
use prost::Message;
use thiserror::Error;

mod search;

pub use self::search::Asked;
use crate::{
    dataset::Oracle,
    h2_client::{Code, Reply},
};

/// How to judge an answer.
#[derive(Clone, Debug)]
pub enum Check {
    /// One search, page after page.
    Search(Asked),
    /// All searches of a batch.
    Batch(Vec<Asked>),
    /// All searches of a stream, tagged from 0.
    Stream(Vec<Asked>),
    /// Whether it is this merchant.
    Get(u64),
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
    /// It is said to be open, or not, where it is otherwise.
    #[error("whether {0} is open is said wrongly")]
    Opening(String),
    /// A point has another number of merchants.
    #[error("{0} stands for {1} merchants at its point, where there are {2}")]
    Together(String, i32, usize),
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
            pairs.try_for_each(|(asked, answer)| asked.judge(std::slice::from_ref(answer), oracle))
        };
        match self {
            Self::Search(asked) => asked.judge(&pages(messages)?, oracle),
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

impl Check {
    /// Whether an answer has no merchant at all in it, as far as it can be read.
    #[must_use]
    pub fn is_empty(&self, reply: &Reply) -> bool {
        let is_empty = |answer: &SearchNearbyResponse| answer.results.is_empty();
        let are_empty = |answers: Vec<Option<SearchNearbyResponse>>| answers.iter().flatten().all(is_empty);
        match self {
            Self::Search(_) => pages(&reply.messages).is_ok_and(|pages| pages.iter().all(is_empty)),
            Self::Batch(_) => of_batch(&reply.messages).is_ok_and(are_empty),
            Self::Stream(_) => of_stream(&reply.messages).is_ok_and(are_empty),
            Self::Get(_) => false,
        }
    }
}

fn one<M: Message + Default>(messages: &[Bytes]) -> Result<M, Wrong> {
    let [message] = messages else { return Err(Wrong::Unreadable) };
    M::decode(message.clone()).map_err(|_| Wrong::Unreadable)
}

fn pages(messages: &[Bytes]) -> Result<Vec<SearchNearbyResponse>, Wrong> {
    let pages = messages.iter().map(|page| SearchNearbyResponse::decode(page.clone()));
    let pages = pages.collect::<Result<Vec<_>, _>>().map_err(|_| Wrong::Unreadable)?;
    if pages.is_empty() { Err(Wrong::Unreadable) } else { Ok(pages) }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Source, World};

    #[test]
    fn a_reply_is_read_by_what_it_is() {
        let oracle = Oracle::new(&World::new(1, 10, &Source::Ours).unwrap());
        let reply = |messages| Reply { messages, ..Reply::of(Code::OK) };
        let check = Check::Get(3);
        let bytes = Bytes::from(oracle.world().merchant(3).encode_to_vec());
        assert_eq!(check.judge(&reply(vec![bytes]), Some(&oracle)), Ok(()));
        let other = Bytes::from(oracle.world().merchant(4).encode_to_vec());
        assert!(check.judge(&reply(vec![other]), Some(&oracle)).is_err());
        assert_eq!(check.judge(&reply(Vec::new()), Some(&oracle)), Err(Wrong::Unreadable));
    }
}
