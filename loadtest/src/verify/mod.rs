//! Verification of responses: a fast wrong answer is worth nothing.
//!
//! | module | contents |
//! |---|---|
//! | (this) | checks of each method's response |
//! | `search` | checks of one search against the oracle |

mod search;

use bytes::Bytes;
use nearby_proto::v1::{
    BatchSearchNearbyResponse, Merchant, SearchNearbyResponse, StreamSearchNearbyResponse,
    batch_search_nearby_result, stream_search_nearby_response,
};
use prost::Message;
use thiserror::Error;

pub use self::search::SearchCheck;
use crate::{
    dataset::Oracle,
    h2_client::{Code, Reply},
};

/// Expectations of a response.
#[derive(Clone, Debug)]
pub enum Check {
    /// One search with all its pages.
    Search(SearchCheck),
    /// All searches of a batch.
    Batch(Vec<SearchCheck>),
    /// All searches of a stream, tagged from 0.
    Stream(Vec<SearchCheck>),
    /// `GetMerchant`: the response must be this merchant.
    Get(u64),
}

/// Errors of verification. Messages contain no coordinates.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum VerifyError {
    /// The response cannot be decoded.
    #[error("response cannot be decoded")]
    Undecodable,
    /// The number of responses differs from the number of searches.
    #[error("{0} responses to {1} searches")]
    Count(usize, usize),
    /// The response belongs to another search of the stream.
    #[error("response {0} of the stream has tag {1}")]
    Tag(u64, u64),
    /// Results are out of order.
    #[error("result {0} is out of order: nearer than the previous one, or equally far with a smaller name")]
    Order(usize),
    /// A result lies outside the requested distance range.
    #[error("result {0} lies outside the requested distance range")]
    OutOfRange(usize),
    /// There are more results than requested.
    #[error("{0} results, more than requested")]
    TooMany(usize),
    /// A distance differs from the geodesic.
    #[error("distance of {0} is off by {1:e} m")]
    Distance(String, f64),
    /// A result that does not belong in the response.
    #[error("{0} is unexpected")]
    Unexpected(String),
    /// A merchant is missing.
    #[error("{0} is missing")]
    Missing(String),
    /// The open state of a result is wrong.
    #[error("open state of {0} is wrong")]
    WrongOpenState(String),
    /// A result is wrong on whether the merchant serves the origin.
    #[error("serves_origin of {0} is wrong")]
    WrongServesOrigin(String),
    /// The number of merchants of a group is wrong.
    #[error("{0} represents {1} merchants at its point instead of {2}")]
    GroupSize(String, i32, usize),
}

impl Check {
    /// Verifies a response. Without an oracle, only order and distances are verified.
    ///
    /// # Errors
    /// The response is wrong. Responses with a status other than OK pass: they are counted by status instead.
    pub fn verify(&self, reply: &Reply, oracle: Option<&Oracle>) -> Result<(), VerifyError> {
        if reply.code != Code::OK {
            return Ok(());
        }
        let messages = &reply.messages;
        let verify_all = |all: &[SearchCheck], responses: Vec<Option<SearchNearbyResponse>>| {
            if responses.len() != all.len() {
                return Err(VerifyError::Count(responses.len(), all.len()));
            }
            // A search with a status of its own has no response to verify.
            let mut pairs = all
                .iter()
                .zip(&responses)
                .filter_map(|(search, response)| Some((search, response.as_ref()?)));
            pairs.try_for_each(|(search, response)| search.verify(std::slice::from_ref(response), oracle))
        };
        match self {
            Self::Search(search) => search.verify(&pages(messages)?, oracle),
            Self::Batch(all) => verify_all(all, of_batch(messages)?),
            Self::Stream(all) => verify_all(all, of_stream(messages)?),
            Self::Get(number) => {
                let merchant: Merchant = one(messages)?;
                let expected = oracle.map(|oracle| oracle.dataset().merchant(*number));
                let is_match = expected.is_none_or(|expected| {
                    merchant.name == expected.name && merchant.position == expected.position
                });
                if is_match { Ok(()) } else { Err(VerifyError::Unexpected(merchant.name)) }
            }
        }
    }
}

impl Check {
    /// Returns `true` if a response can be decoded and contains no merchant.
    #[must_use]
    pub fn is_empty(&self, reply: &Reply) -> bool {
        let is_empty = |response: &SearchNearbyResponse| response.results.is_empty();
        let are_empty =
            |responses: Vec<Option<SearchNearbyResponse>>| responses.iter().flatten().all(is_empty);
        match self {
            Self::Search(_) => pages(&reply.messages).is_ok_and(|pages| pages.iter().all(is_empty)),
            Self::Batch(_) => of_batch(&reply.messages).is_ok_and(are_empty),
            Self::Stream(_) => of_stream(&reply.messages).is_ok_and(are_empty),
            Self::Get(_) => false,
        }
    }
}

fn one<M: Message + Default>(messages: &[Bytes]) -> Result<M, VerifyError> {
    let [message] = messages else { return Err(VerifyError::Undecodable) };
    M::decode(message.clone()).map_err(|_| VerifyError::Undecodable)
}

fn pages(messages: &[Bytes]) -> Result<Vec<SearchNearbyResponse>, VerifyError> {
    let pages = messages.iter().map(|page| SearchNearbyResponse::decode(page.clone()));
    let pages = pages.collect::<Result<Vec<_>, _>>().map_err(|_| VerifyError::Undecodable)?;
    if pages.is_empty() { Err(VerifyError::Undecodable) } else { Ok(pages) }
}

fn of_batch(messages: &[Bytes]) -> Result<Vec<Option<SearchNearbyResponse>>, VerifyError> {
    let batch: BatchSearchNearbyResponse = one(messages)?;
    let response = |outcome| match outcome {
        batch_search_nearby_result::Outcome::Response(response) => Some(response),
        batch_search_nearby_result::Outcome::Status(_) => None,
    };
    let responses =
        batch.results.into_iter().map(|result| result.outcome.map(response).ok_or(VerifyError::Undecodable));
    responses.collect()
}

fn of_stream(messages: &[Bytes]) -> Result<Vec<Option<SearchNearbyResponse>>, VerifyError> {
    let response = |(at, message): (u64, &Bytes)| {
        let response =
            StreamSearchNearbyResponse::decode(message.clone()).map_err(|_| VerifyError::Undecodable)?;
        if response.tag != at {
            return Err(VerifyError::Tag(at, response.tag));
        }
        Ok(match response.outcome.ok_or(VerifyError::Undecodable)? {
            stream_search_nearby_response::Outcome::Response(response) => Some(response),
            stream_search_nearby_response::Outcome::Status(_) => None,
        })
    };
    (0..).zip(messages).map(response).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dataset::{Dataset, Source};

    #[test]
    fn a_get_response_must_be_the_requested_merchant() {
        let oracle = Oracle::new(&Dataset::new(1, 10, &Source::BuiltIn).unwrap());
        let reply = |messages| Reply { messages, ..Reply::of(Code::OK) };
        let check = Check::Get(3);
        let bytes = Bytes::from(oracle.dataset().merchant(3).encode_to_vec());
        assert_eq!(check.verify(&reply(vec![bytes]), Some(&oracle)), Ok(()));
        let other = Bytes::from(oracle.dataset().merchant(4).encode_to_vec());
        assert!(check.verify(&reply(vec![other]), Some(&oracle)).is_err());
        assert_eq!(check.verify(&reply(Vec::new()), Some(&oracle)), Err(VerifyError::Undecodable));
    }
}
