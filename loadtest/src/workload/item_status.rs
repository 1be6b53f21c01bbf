//! Per-search statuses of batches and streams, where a search may fail although the call succeeds.

use nearby_proto::v1::RequestStatus;
use prost::Message;

use super::Kind;
use crate::h2_client::{Code, Reply};

/// The contract's response messages without the results, which decoding skips: every response is inspected, not one in 100.
#[derive(Clone, PartialEq, Message)]
struct BatchStatuses {
    #[prost(message, repeated, tag = "1")]
    results: Vec<BatchItem>,
}

#[derive(Clone, PartialEq, Message)]
struct BatchItem {
    #[prost(message, optional, tag = "2")]
    status: Option<RequestStatus>,
}

#[derive(Clone, PartialEq, Message)]
struct StreamItem {
    #[prost(message, optional, tag = "3")]
    status: Option<RequestStatus>,
}

/// Returns the status of the first failed search of a batch or stream whose call succeeded. An undecodable response counts
/// as INTERNAL.
#[must_use]
pub fn first_failed_search(kind: Kind, reply: &Reply) -> Option<Code> {
    if reply.code != Code::OK {
        return None;
    }
    let code = |status: RequestStatus| u8::try_from(status.code).map_or(Code::INTERNAL, Code);
    match kind {
        Kind::Batch => match reply.messages.first().map(|message| BatchStatuses::decode(message.clone())) {
            Some(Ok(batch)) => batch.results.into_iter().find_map(|item| item.status).map(code),
            _ => Some(Code::INTERNAL),
        },
        Kind::Stream => {
            let failed = |message: &bytes::Bytes| match StreamItem::decode(message.clone()) {
                Ok(item) => item.status.map(code),
                Err(_) => Some(Code::INTERNAL),
            };
            reply.messages.iter().find_map(failed)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use nearby_proto::v1::{
        BatchSearchNearbyResponse, BatchSearchNearbyResult, SearchNearbyResponse, StreamSearchNearbyResponse,
        batch_search_nearby_result::Outcome, stream_search_nearby_response,
    };

    use super::*;

    #[test]
    fn one_failed_search_makes_the_whole_call_failed() {
        let status = || RequestStatus { code: 8, ..Default::default() };
        let reply = |messages: Vec<Vec<u8>>| Reply {
            messages: messages.into_iter().map(Bytes::from).collect(),
            ..Reply::of(Code::OK)
        };
        let batch = |outcomes: Vec<Outcome>| {
            let result = |outcome| BatchSearchNearbyResult { outcome: Some(outcome) };
            let results = outcomes.into_iter().map(result).collect();
            reply(vec![BatchSearchNearbyResponse { results, revision: 1 }.encode_to_vec()])
        };
        let good = || Outcome::Response(SearchNearbyResponse::default());
        assert_eq!(first_failed_search(Kind::Batch, &batch(vec![good(), good()])), None);
        assert_eq!(
            first_failed_search(Kind::Batch, &batch(vec![good(), Outcome::Status(status())])),
            Some(Code(8))
        );
        let item = |outcome| StreamSearchNearbyResponse { tag: 0, outcome: Some(outcome) }.encode_to_vec();
        let good = || item(stream_search_nearby_response::Outcome::Response(SearchNearbyResponse::default()));
        let bad = || item(stream_search_nearby_response::Outcome::Status(status()));
        assert_eq!(first_failed_search(Kind::Stream, &reply(vec![good(), good()])), None);
        assert_eq!(first_failed_search(Kind::Stream, &reply(vec![good(), bad()])), Some(Code(8)));
        for (kind, answer) in
            [(Kind::Batch, vec![vec![255]]), (Kind::Batch, vec![]), (Kind::Stream, vec![vec![255]])]
        {
            assert_eq!(first_failed_search(kind, &reply(answer)), Some(Code::INTERNAL));
        }
    }
}
