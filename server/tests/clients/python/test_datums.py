"""Positions in the three datums."""

import pytest

from build import BD09, FULL, GCJ02, WGS84, create, position, query
from geodesic import distance_m
from stubs import merchants

# One point in Beijing in each datum, by the public formulas; accurate to a few metres.
TIANANMEN = {WGS84: (39.90734, 116.39089), GCJ02: (39.908745, 116.397128), BD09: (39.915094, 116.403504)}


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    for datum, where in TIANANMEN.items():
        client.merchants.CreateMerchant(create(f"datum-{datum}", position=position(*where, datum)))


@pytest.mark.parametrize("datum", TIANANMEN, ids=merchants.CoordinateSystem.Name)
def test_all_datums_locate_the_same_point(client, datum):
    results = client.nearby.SearchNearby(query(*TIANANMEN[datum], datum)).results
    assert {result.merchant.name for result in results} == {f"merchants/datum-{datum}" for datum in TIANANMEN}
    assert all(result.distance_m < 10.0 for result in results)


def test_wrong_datum_is_off_by_half_a_kilometre(client):
    results = client.nearby.SearchNearby(query(*TIANANMEN[GCJ02], WGS84)).results
    assert all(400.0 < result.distance_m < 700.0 for result in results)


def test_position_is_returned_as_given_and_in_wgs84(client):
    for result in client.nearby.SearchNearby(query(*TIANANMEN[WGS84], view=FULL)).results:
        given = result.merchant.position
        assert (given.latitude, given.longitude) == TIANANMEN[given.coordinate_system]
        assert result.merchant.wgs84_position.coordinate_system == WGS84
        from_origin = distance_m(position(*TIANANMEN[WGS84]), result.merchant.wgs84_position)
        assert result.distance_m == pytest.approx(from_origin, rel=0, abs=1e-5)


def test_gcj02_outside_china_equals_wgs84(client):
    client.merchants.CreateMerchant(create("helsinki", position=position(60.1699, 24.9384, GCJ02)))
    result = client.nearby.SearchNearby(query(60.1699, 24.9384)).results[0]
    assert result.distance_m < 1.0
