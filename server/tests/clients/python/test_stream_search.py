"""StreamSearchNearby: many searches in one call, without waiting for responses in between."""

import queue

import grpc
import pytest

from build import merchant, query, rows
from rpc_error import error_of_status
from stubs import search


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n:02}", 60.0 + n, 25.0) for n in range(10))]))


def request(tag: int, *where: float):
    return search.StreamSearchNearbyRequest(tag=tag, request=query(*where))


def test_responses_arrive_while_the_client_keeps_sending(client):
    sending = queue.SimpleQueue()
    responses = client.nearby.StreamSearchNearby(iter(sending.get, None))
    # The largest tag, and a repeated one.
    for tag in (7, 2**64 - 1, 7):
        sending.put(request(tag, 60.0, 25.0))
        # Answered without a further request.
        assert next(responses).tag == tag
    sending.put(None)
    assert list(responses) == [], "the stream ends when the client ends it"


def test_a_thousand_pipelined_searches_are_answered_in_order(client):
    points = [(60.0 + number % 10, 25.0) for number in range(1_000)]
    responses = list(client.nearby.StreamSearchNearby(request(tag, *point) for tag, point in enumerate(points)))
    assert [response.tag for response in responses] == list(range(1_000))
    single = {point: client.nearby.SearchNearby(query(*point)) for point in set(points)}
    assert [response.response for response in responses] == [single[point] for point in points]
    assert len({response.response.results[0].merchant.name for response in responses}) == 10


def test_invalid_search_does_not_end_the_stream(client):
    requests = [request(1, 60.0, 25.0), request(2, 91.0, 25.0), request(3, 61.0, 25.0)]
    responses = list(client.nearby.StreamSearchNearby(iter(requests)))
    outcomes = [(response.tag, response.WhichOneof("outcome")) for response in responses]
    assert outcomes == [(1, "response"), (2, "status"), (3, "response")]
    error = error_of_status(responses[1].status)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.reasons == [("origin.latitude", "LATITUDE_OUT_OF_RANGE")]
