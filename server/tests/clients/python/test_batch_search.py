"""BatchSearchNearby: each search has an answer, or a status that libraries for google.rpc.Status read."""

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from build import create, query
from rpc_error import refused, refused_alone
from stubs import search

# Digits that appear in no message by chance.
LATITUDE, LONGITUDE = 60.12378564, 24.98761243


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    client.merchants.CreateMerchant(create("here", LATITUDE, LONGITUDE))


def batch(*requests):
    return search.BatchSearchNearbyRequest(requests=requests)


def test_answers_are_those_of_searches_of_their_own(client):
    asked = [query(LATITUDE, LONGITUDE), query(-LATITUDE, LONGITUDE, include_total=True), query(LATITUDE, LONGITUDE)]
    answer = client.nearby.BatchSearchNearby(batch(*asked))
    assert [one.response for one in answer.results] == [client.nearby.SearchNearby(request) for request in asked]
    assert {one.response.revision for one in answer.results} == {answer.revision}


def test_the_status_of_a_search_that_fails_says_all_that_a_call_would(client):
    bad = query(91.12378564, LONGITUDE, 0)
    answer = client.nearby.BatchSearchNearby(batch(query(LATITUDE, LONGITUDE), bad, query(LATITUDE, LONGITUDE)))
    assert [one.WhichOneof("outcome") for one in answer.results] == ["response", "status", "response"]
    refusal = refused_alone(answer.results[1].status)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.details[ErrorInfo] == ErrorInfo(reason="INVALID_ARGUMENT", domain="nearby")
    assert refusal.fields == ["origin.coordinate_system", "origin.latitude"]
    # The order of the details means nothing.
    of_a_call = refused(client.nearby.SearchNearby, bad)
    assert (refusal.code, refusal.message, refusal.details) == (of_a_call.code, of_a_call.message, of_a_call.details)
    assert all(violation.description for violation in refusal.details[BadRequest].field_violations)
    for digits in ("1237", "9876"):
        assert digits not in refusal.text


def test_each_fails_for_a_reason_of_its_own(client):
    answer = client.nearby.BatchSearchNearby(
        batch(query(LATITUDE, LONGITUDE, radius_m=1e9), query(LATITUDE, LONGITUDE, page_token="garbage"))
    )
    first, second = (refused_alone(one.status) for one in answer.results)
    assert first.code == second.code == grpc.StatusCode.INVALID_ARGUMENT
    assert first.reasons == [("radius_m", "OUT_OF_RANGE")]
    assert second.reasons == [("page_token", "INVALID_PAGE_TOKEN")]


def test_1000_are_the_most(client):
    request = query(LATITUDE, LONGITUDE)
    assert len(client.nearby.BatchSearchNearby(batch(*[request] * 1_000)).results) == 1_000
    for count in (0, 1_001):
        refusal = refused(client.nearby.BatchSearchNearby, batch(*[request] * count))
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])
