"""Invalid searches: INVALID_ARGUMENT that names the field and contains no coordinate."""

import math

import grpc
import pytest

from build import WGS84, merchant, position, query, rows
from rpc_error import expect_error
from stubs import merchants, search

NAN, INFINITE = math.nan, math.inf
# Coordinates whose digits appear in no message by chance.
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
    "radius over the limit": (query(LATITUDE, LONGITUDE, radius_m=math.nextafter(5_000.0, INFINITE)), "radius_m"),
    "radius far over the limit": (query(LATITUDE, LONGITUDE, radius_m=1e300), "radius_m"),
    "radius NaN": (query(LATITUDE, LONGITUDE, radius_m=NAN), "radius_m"),
    "radius inf": (query(LATITUDE, LONGITUDE, radius_m=INFINITE), "radius_m"),
    "page size negative": (query(LATITUDE, LONGITUDE, page_size=-1), "page_size"),
    "page token garbage": (query(LATITUDE, LONGITUDE, page_token="garbage"), "page_token"),
    "page token not base64": (query(LATITUDE, LONGITUDE, page_token="%%% ä"), "page_token"),
    "page token long": (query(LATITUDE, LONGITUDE, page_token="A" * 10_000), "page_token"),
}


@pytest.mark.parametrize("request_, field", BAD.values(), ids=BAD.keys())
def test_error_names_the_field_and_contains_no_coordinate(client, request_, field):
    error = expect_error(client.nearby.SearchNearby, request_)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.fields == [field]
    for digits in ("12378564", "98761243", "1237", "9876"):
        assert digits not in error.text


def test_all_invalid_fields_are_reported_at_once(client):
    bad = query(NAN, 999.0, 0, radius_m=-1.0, page_size=-1)
    fields = set(expect_error(client.nearby.SearchNearby, bad).fields)
    assert {"origin.coordinate_system", "origin.latitude", "radius_m", "page_size"} <= fields


@pytest.mark.parametrize("page_size", [0, 1])
def test_page_token_of_another_query_is_rejected(client, page_size):
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
        error = expect_error(client.nearby.SearchNearby, other)
        assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])


def test_tampered_page_token_is_rejected(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n}", LATITUDE, LONGITUDE) for n in range(30))]))
    token = client.nearby.SearchNearby(query(LATITUDE, LONGITUDE, page_size=1)).next_page_token
    for at, letter in enumerate(token):
        changed = token[:at] + ("B" if letter == "A" else "A") + token[at + 1 :]
        error = expect_error(client.nearby.SearchNearby, query(LATITUDE, LONGITUDE, page_token=changed))
        assert error.fields == ["page_token"]


def test_positions_at_the_limits_are_accepted(client):
    for latitude in (-90.0, 90.0):
        for longitude in (-180.0, 180.0):
            client.nearby.SearchNearby(search.SearchNearbyRequest(origin=position(latitude, longitude)))
    client.nearby.SearchNearby(query(LATITUDE, LONGITUDE, radius_m=5_000.0))
