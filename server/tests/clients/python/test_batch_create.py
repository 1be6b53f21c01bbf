"""BatchCreateMerchants: atomic batches."""

import grpc
import pytest

from build import FULL, create, merchant, query
from rpc_error import expect_error
from stubs import manage


def batch(requests, **fields):
    return manage.BatchCreateMerchantsRequest(requests=requests, **fields)


def test_batch_is_stored_and_returned_in_request_order(client):
    response = client.merchants.BatchCreateMerchants(batch(create(one, 10.0, 10.0) for one in "bac"))
    assert [merchant.name for merchant in response.merchants] == ["merchants/b", "merchants/a", "merchants/c"]
    found = client.nearby.SearchNearby(query(10.0, 10.0, view=FULL)).results
    assert [result.merchant for result in found] == sorted(response.merchants, key=lambda merchant: merchant.name)


BAD = {
    "exists already": (create("taken"), "ALREADY_EXISTS", []),
    "duplicate": (create("first"), "ALREADY_EXISTS", []),
    "invalid": (create("bad", 91.0), "INVALID_ARGUMENT", ["requests[2].merchant.position.latitude"]),
    "validate_only within a batch": (
        manage.CreateMerchantRequest(merchant=merchant("checked"), validate_only=True),
        "INVALID_ARGUMENT",
        ["requests[2].validate_only"],
    ),
}


@pytest.fixture(scope="module")
def taken(client):
    client.merchants.CreateMerchant(create("taken"))


@pytest.mark.parametrize("bad, code, fields", BAD.values(), ids=BAD.keys())
def test_one_failure_rejects_the_whole_batch(client, taken, bad, code, fields):
    first, second, last = (create(one, 20.0, 20.0) for one in ("first", "second", "last"))
    error = expect_error(client.merchants.BatchCreateMerchants, batch([first, second, bad, last]))
    assert (error.code.name, error.fields) == (code, fields)
    assert list(client.nearby.SearchNearby(query(20.0, 20.0)).results) == []


def test_searches_never_see_part_of_a_batch(client):
    storing = client.merchants.BatchCreateMerchants.future(batch(create(f"{n}", 30.0, 30.0) for n in range(1_000)))
    seen = set()
    while not storing.done():
        seen.add(_count(client))
    assert len(storing.result().merchants) == 1_000
    assert seen <= {0, 1_000} and _count(client) == 1_000


def test_validate_only_stores_nothing(client):
    request = batch([create("checked", 40.0, 40.0)], validate_only=True)
    [checked] = client.merchants.BatchCreateMerchants(request).merchants
    assert checked.name == "merchants/checked" and not checked.etag
    assert _count(client, 40.0) == 0


@pytest.mark.parametrize("count", [0, 1_001])
def test_batch_size_limit_is_1000(client, count):
    error = expect_error(client.merchants.BatchCreateMerchants, batch([create("many")] * count))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])


def _count(client, degrees: float = 30.0) -> int:
    return client.nearby.SearchNearby(query(degrees, degrees, page_size=1, include_total=True)).total_size
