"""The radius is inclusive, to the last bit."""

import math

import pytest

from build import create, query
from sample import Sample


@pytest.fixture(scope="module")
def sample(client, rng):
    return Sample(client, rng, (35.68, 139.76), count=120, radius_m=4_900.0)


def test_radius_equal_to_the_distance_includes_and_the_next_smaller_double_excludes(sample):
    results = sample.search(page_size=500)
    assert len(results) == len(sample.merchants)
    for result in results:
        at_radius = {found.merchant.name for found in sample.search(radius_m=result.distance_m, page_size=500)}
        below = math.nextafter(result.distance_m, 0.0)
        within = {found.merchant.name for found in sample.search(radius_m=below, page_size=500)}
        assert result.merchant.name in at_radius
        assert result.merchant.name not in within
        assert within < at_radius


def test_merchant_at_the_origin_is_within_the_smallest_radius(client):
    client.merchants.CreateMerchant(create("here", -45.0, 45.0))
    found = client.nearby.SearchNearby(query(-45.0, 45.0, radius_m=5e-324)).results
    assert [(result.merchant.name, result.distance_m) for result in found] == [("merchants/here", 0.0)]
