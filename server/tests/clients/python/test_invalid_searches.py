"""Searches that cannot be: INVALID_ARGUMENT, naming the field, and telling nobody where the caller is."""

import math

import grpc
import pytest

from build import WGS84, merchant, position, query, rows
from rpc_error import refused
from stubs import merchants, search

NAN, INFINITE = math.nan, math.inf
# Digits that appear in no message by chance.
LATITUDE, LONGITUDE = 60.12378564, 24.98761243

BAD = {
    "no origin": (search.SearchNearbyRequest(), "origin"),
    "latitude NaN": (query(NAN, LONGITUDE), "origin.latitude"),
    "latitude inf": (query(INFINITE, LONGITUDE), "origin.latitude"),
    "latitude -inf": (query(-INFINITE, LONGITUDE), "origin.latitude"),
    "latitude above 90": (query(90.12378564, LONGITUDE), "origin.latitude"),
    "latitude just above 90": (query(math.nextafter(90.0, 91.0), LONGITUDE), "origin.latitude"),
    "latitude below -90": (query(-90.12378564, LONGITUDE), "origin.latitude"),
    "longitude NaN": (query(LATITUDE, NAN), "origin.longitude"),
    "longitude inf": (query(LATITUDE, INFINITE), "origin.longitude"),
    "longitude above 180": (query(LATITUDE, 180.98761243), "origin.longitude"),
    "longitude below -180": (query(LATITUDE, -180.98761243), "origin.longitude"),
    "datum unset": (query(LATITUDE, LONGITUDE, 0), "origin.coordinate_system"),
    "datum unknown": (query(LATITUDE, LONGITUDE, 99), "origin.coordinate_system"),
    "datum negative": (query(LATITUDE, LONGITUDE, -1), "origin.coordinate_system"),
    "accuracy negative": (
        search.SearchNearbyRequest(
            origin=merchants.Position(
                latitude=LATITUDE, longitude=LONGITUDE, coordinate_system=WGS84, accuracy_m=-1.0
            )
        ),
        "origin.accuracy_m",
    ),
    "radius 0": (query(LATITUDE, LONGITUDE, radius_m=0.0), "radius_m"),
    "radius -0": (query(LATITUDE, LONGITUDE, radius_m=-0.0), "radius_m"),
    "radius negative": (query(LATITUDE, LONGITUDE, radius_m=-1.0), "radius_m"),
    "radius over the most": (query(LATITUDE, LONGITUDE, radius_m=math.nextafter(5_000.0, INFINITE)), "radius_m"),
    "radius far over the most": (query(LATITUDE, LONGITUDE, radius_m=1e300), "radius_m"),
    "radius NaN": (query(LATITUDE, LONGITUDE, radius_m=NAN), "radius_m"),
    "radius inf": (query(LATITUDE, LONGITUDE, radius_m=INFINITE), "radius_m"),
    "page size negative": (query(LATITUDE, LONGITUDE, page_size=-1), "page_size"),
    "page token garbage": (query(LATITUDE, LONGITUDE, page_token="garbage"), "page_token"),
    "page token not base64": (query(LATITUDE, LONGITUDE, page_token="%%% ä"), "page_token"),
    "page token long": (query(LATITUDE, LONGITUDE, page_token="A" * 10_000), "page_token"),
}


@pytest.mark.parametrize("request_, field", BAD.values(), ids=BAD.keys())
def test_the_field_is_named_and_no_coordinate_told(client, request_, field):
    refusal = refused(client.nearby.SearchNearby, request_)
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.fields == [field]
    for digits in ("12378564", "98761243", "1237", "9876"):
        assert digits not in refusal.text


def test_all_that_is_wrong_is_said_at_once(client):
    bad = query(NAN, 999.0, 0, radius_m=-1.0, page_size=-1)
    fields = set(refused(client.nearby.SearchNearby, bad).fields)
    assert {"origin.coordinate_system", "origin.latitude", "radius_m", "page_size"} <= fields


@pytest.mark.parametrize("page_size", [0, 1])
def test_the_page_token_of_another_query_is_refused(client, page_size):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n}", LATITUDE, LONGITUDE) for n in range(30))]))
    token = client.nearby.SearchNearby(query(LATITUDE, LONGITUDE, page_size=1)).next_page_token
    others = [
        query(LATITUDE + 1e-9, LONGITUDE),
        query(LATITUDE, LONGITUDE - 1e-9),
        query(LATITUDE, LONGITUDE, radius_m=4_999.0),
        query(39.9, 116.4, merchants.COORDINATE_SYSTEM_GCJ02),
    ]
    for other in others:
        other.page_token, other.page_size = token, page_size
        refusal = refused(client.nearby.SearchNearby, other)
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


def test_a_token_with_one_letter_changed_is_refused(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n}", LATITUDE, LONGITUDE) for n in range(30))]))
    token = client.nearby.SearchNearby(query(LATITUDE, LONGITUDE, page_size=1)).next_page_token
    for at, letter in enumerate(token):
        changed = token[:at] + ("B" if letter == "A" else "A") + token[at + 1 :]
        refusal = refused(client.nearby.SearchNearby, query(LATITUDE, LONGITUDE, page_token=changed))
        assert refusal.fields == ["page_token"]


def test_a_position_at_the_limits_is_taken(client):
    for latitude in (-90.0, 90.0):
        for longitude in (-180.0, 180.0):
            client.nearby.SearchNearby(search.SearchNearbyRequest(origin=position(latitude, longitude)))
    client.nearby.SearchNearby(query(LATITUDE, LONGITUDE, radius_m=5_000.0))
