"""The edge of the radius is inclusive, to the last bit."""

import math

import pytest

from build import create, query
from sample import Town


@pytest.fixture(scope="module")
def town(client, chance):
    return Town(client, chance, (35.68, 139.76), count=120, widest_m=4_900.0)


def test_a_radius_of_exactly_the_distance_includes_and_the_next_below_does_not(town):
    results = town.search(page_size=500)
    assert len(results) == len(town.merchants)
    for result in results:
        at_edge = {found.merchant.name for found in town.search(radius_m=result.distance_m, page_size=500)}
        below = math.nextafter(result.distance_m, 0.0)
        within = {found.merchant.name for found in town.search(radius_m=below, page_size=500)}
        assert result.merchant.name in at_edge
        assert result.merchant.name not in within
        assert within < at_edge


def test_a_merchant_at_the_origin_is_within_the_smallest_radius(client):
    client.merchants.CreateMerchant(create("here", -45.0, 45.0))
    found = client.nearby.SearchNearby(query(-45.0, 45.0, radius_m=5e-324)).results
    assert [(result.merchant.name, result.distance_m) for result in found] == [("merchants/here", 0.0)]
