"""StreamSearchNearby: many searches in one call, and none waits for the answer to the one before."""

import queue

import grpc
import pytest

from build import merchant, query, rows
from rpc_error import refused_alone
from stubs import search


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n:02}", 60.0 + n, 25.0) for n in range(10))]))


def asked(tag: int, *where: float):
    return search.StreamSearchNearbyRequest(tag=tag, request=query(*where))


def test_answers_come_while_the_caller_goes_on_asking(client):
    asking = queue.SimpleQueue()
    answers = client.nearby.StreamSearchNearby(iter(asking.get, None))
    # The greatest tag there is, and one that has been used before.
    for tag in (7, 2**64 - 1, 7):
        asking.put(asked(tag, 60.0, 25.0))
        # Nothing is behind this one: it is answered all the same.
        assert next(answers).tag == tag
    asking.put(None)
    assert list(answers) == [], "the stream ends when the caller ends it"


def test_a_thousand_that_nobody_waited_for_are_answered_in_order(client):
    places = [(60.0 + number % 10, 25.0) for number in range(1_000)]
    answers = list(client.nearby.StreamSearchNearby(asked(tag, *place) for tag, place in enumerate(places)))
    assert [answer.tag for answer in answers] == list(range(1_000))
    alone = {place: client.nearby.SearchNearby(query(*place)) for place in set(places)}
    assert [answer.response for answer in answers] == [alone[place] for place in places]
    assert len({answer.response.results[0].merchant.name for answer in answers}) == 10


def test_a_search_that_cannot_be_fails_alone(client):
    requests = [asked(1, 60.0, 25.0), asked(2, 91.0, 25.0), asked(3, 61.0, 25.0)]
    answers = list(client.nearby.StreamSearchNearby(iter(requests)))
    outcomes = [(answer.tag, answer.WhichOneof("outcome")) for answer in answers]
    assert outcomes == [(1, "response"), (2, "status"), (3, "response")]
    refusal = refused_alone(answers[1].status)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.reasons == [("origin.latitude", "LATITUDE_OUT_OF_RANGE")]
