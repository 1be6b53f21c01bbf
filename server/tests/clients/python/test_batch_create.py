"""BatchCreateMerchants: all of a batch, or none of it."""

import grpc
import pytest

from build import FULL, create, merchant, query
from rpc_error import refused
from stubs import manage


def batch(requests, **fields):
    return manage.BatchCreateMerchantsRequest(requests=requests, **fields)


def test_all_are_stored_and_returned_in_their_order(client):
    answer = client.merchants.BatchCreateMerchants(batch(create(one, 10.0, 10.0) for one in "bac"))
    assert [merchant.name for merchant in answer.merchants] == ["merchants/b", "merchants/a", "merchants/c"]
    found = client.nearby.SearchNearby(query(10.0, 10.0, view=FULL)).results
    assert [result.merchant for result in found] == sorted(answer.merchants, key=lambda merchant: merchant.name)


BAD = {
    "is there already": (create("taken"), "ALREADY_EXISTS", []),
    "comes twice": (create("first"), "ALREADY_EXISTS", []),
    "cannot be": (create("bad", 91.0), "INVALID_ARGUMENT", ["requests[2].merchant.position.latitude"]),
    "would only be checked": (
        manage.CreateMerchantRequest(merchant=merchant("checked"), validate_only=True),
        "INVALID_ARGUMENT",
        ["requests[2].validate_only"],
    ),
}


@pytest.fixture(scope="module")
def taken(client):
    client.merchants.CreateMerchant(create("taken"))


@pytest.mark.parametrize("bad, code, fields", BAD.values(), ids=BAD.keys())
def test_one_that_cannot_be_stored_keeps_the_others_out(client, taken, bad, code, fields):
    first, second, last = (create(one, 20.0, 20.0) for one in ("first", "second", "last"))
    refusal = refused(client.merchants.BatchCreateMerchants, batch([first, second, bad, last]))
    assert (refusal.code.name, refusal.fields) == (code, fields)
    assert list(client.nearby.SearchNearby(query(20.0, 20.0)).results) == []


def test_no_search_sees_a_part_of_a_batch(client):
    storing = client.merchants.BatchCreateMerchants.future(batch(create(f"{n}", 30.0, 30.0) for n in range(1_000)))
    seen = set()
    while not storing.done():
        seen.add(_count(client))
    assert len(storing.result().merchants) == 1_000
    assert seen <= {0, 1_000} and _count(client) == 1_000


def test_what_is_only_checked_is_not_stored(client):
    request = batch([create("checked", 40.0, 40.0)], validate_only=True)
    [checked] = client.merchants.BatchCreateMerchants(request).merchants
    assert checked.name == "merchants/checked" and not checked.etag
    assert _count(client, 40.0) == 0


@pytest.mark.parametrize("count", [0, 1_001])
def test_1000_are_the_most(client, count):
    refusal = refused(client.merchants.BatchCreateMerchants, batch([create("many")] * count))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["requests"])


def _count(client, degrees: float = 30.0) -> int:
    return client.nearby.SearchNearby(query(degrees, degrees, page_size=1, include_total=True)).total_size
