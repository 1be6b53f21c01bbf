"""BatchSearchNearby: each search has a response, or a status that google.rpc libraries can read."""

import grpc
import pytest
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from build import create, query
from rpc_error import expect_error, error_of_status
from stubs import search

# Coordinates whose digits appear in no message by chance.
LATITUDE, LONGITUDE = 60.12378564, 24.98761243


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    client.merchants.CreateMerchant(create("here", LATITUDE, LONGITUDE))


def batch(*requests):
    return search.BatchSearchNearbyRequest(requests=requests)


def test_batch_responses_equal_those_of_single_searches(client):
    requests = [query(LATITUDE, LONGITUDE), query(-LATITUDE, LONGITUDE, include_total=True), query(LATITUDE, LONGITUDE)]
    response = client.nearby.BatchSearchNearby(batch(*requests))
    assert [one.response for one in response.results] == [client.nearby.SearchNearby(request) for request in requests]
    assert {one.response.revision for one in response.results} == {response.revision}


def test_status_of_a_failed_search_equals_that_single(client):
    bad = query(91.12378564, LONGITUDE, 0)
    response = client.nearby.BatchSearchNearby(batch(query(LATITUDE, LONGITUDE), bad, query(LATITUDE, LONGITUDE)))
    assert [one.WhichOneof("outcome") for one in response.results] == ["response", "status", "response"]
    error = error_of_status(response.results[1].status)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.details[ErrorInfo] == ErrorInfo(reason="INVALID_ARGUMENT", domain="nearby")
    assert error.fields == ["origin.coordinate_system", "origin.latitude"]
    # Compared as a dict, as the order of the details is not significant.
    single = expect_error(client.nearby.SearchNearby, bad)
    assert (error.code, error.message, error.details) == (single.code, single.message, single.details)
    assert all(violation.description for violation in error.details[BadRequest].field_violations)
    for digits in ("1237", "9876"):
        assert digits not in error.text


def test_each_failed_search_has_its_own_reason(client):
    response = client.nearby.BatchSearchNearby(
        batch(query(LATITUDE, LONGITUDE, radius_m=1e9), query(LATITUDE, LONGITUDE, page_token="garbage"))
    )
    first, second = (error_of_status(one.status) for one in response.results)
    assert first.code == second.code == grpc.StatusCode.INVALID_ARGUMENT
    assert first.reasons == [("radius_m", "OUT_OF_RANGE")]
    assert second.reasons == [("page_token", "INVALID_PAGE_TOKEN")]


def test_batch_size_limit_is_1000(client):
    request = query(LATITUDE, LONGITUDE)
    assert len(client.nearby.BatchSearchNearby(batch(*[request] * 1_000)).results) == 1_000
    for count in (0, 1_001):
        error = expect_error(client.nearby.BatchSearchNearby, batch(*[request] * count))
        assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])
