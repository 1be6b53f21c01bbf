"""SearchNearby against GeographicLib: who is found, how far, in which order."""

import pytest

from stubs import merchants
from sample import Town

RADIUS_M = 5_000.0
# What the contract promises up to 5 km.
TOLERANCE_M = 1e-5

CENTRES = {
    "city": (60.1699, 24.9384),
    "equator": (0.0, -78.5),
    "south": (-33.86, 151.21),
    "antimeridian": (-16.8, 180.0),
    "north pole": (90.0, 0.0),
    "near the south pole": (-89.99, -135.0),
}


@pytest.fixture(scope="module", params=CENTRES.values(), ids=CENTRES.keys())
def town(request, client, chance):
    return Town(client, chance, request.param, count=300, widest_m=7_000.0)


def test_every_distance_is_that_of_the_geodesic(town):
    results = town.search(radius_m=RADIUS_M, page_size=500)
    assert len(results) > 50
    for result in results:
        assert result.distance_m == pytest.approx(town.distance_m(result.merchant.name), rel=0, abs=TOLERANCE_M)


def test_all_within_the_radius_are_found_and_nobody_else(town):
    for radius_m in (RADIUS_M, 1_234.5, 100.0):
        found = {result.merchant.name for result in town.search(radius_m=radius_m, page_size=500)}
        # At the very edge the two libraries may differ by less than the tolerance.
        assert town.names_within(radius_m - TOLERANCE_M) <= found <= town.names_within(radius_m + TOLERANCE_M)


def test_the_order_is_by_distance_and_then_id(town):
    results = town.search(radius_m=RADIUS_M, page_size=500)
    order = [(result.distance_m, result.merchant.name.encode()) for result in results]
    assert order == sorted(order)
    distances = [distance for distance, _ in order]
    assert len(set(distances)) < len(distances), "the sample must hold equal distances"


def test_results_are_the_merchants_as_stored(town):
    for result in town.search(radius_m=RADIUS_M, page_size=500):
        given = town.merchants[result.merchant.name]
        assert result.merchant.display_name == given.display_name
        assert result.merchant.position == given.position
        assert result.merchant.wgs84_position == given.position
        assert result.merchant.visibility == merchants.VISIBILITY_VISIBLE


def test_without_a_radius_it_is_5_km(town):
    assert town.search(page_size=500) == town.search(radius_m=RADIUS_M, page_size=500)
