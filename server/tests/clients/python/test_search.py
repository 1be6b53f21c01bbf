"""SearchNearby compared with GeographicLib: results, distances, order."""

import pytest

from stubs import merchants
from sample import Sample

RADIUS_M = 5_000.0
# Tolerance documented in the contract for distances up to 5 km.
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
def sample(request, client, rng):
    return Sample(client, rng, request.param, count=300, radius_m=7_000.0)


def test_distances_equal_the_geodesic(sample):
    results = sample.search(radius_m=RADIUS_M, page_size=500)
    assert len(results) > 50
    for result in results:
        assert result.distance_m == pytest.approx(sample.distance_m(result.merchant.name), rel=0, abs=TOLERANCE_M)


def test_results_are_exactly_the_merchants_within_the_radius(sample):
    for radius_m in (RADIUS_M, 1_234.5, 100.0):
        found = {result.merchant.name for result in sample.search(radius_m=radius_m, page_size=500)}
        # At the radius the two libraries can differ by less than the tolerance.
        assert sample.names_within(radius_m - TOLERANCE_M) <= found <= sample.names_within(radius_m + TOLERANCE_M)


def test_results_are_ordered_by_distance_then_id(sample):
    results = sample.search(radius_m=RADIUS_M, page_size=500)
    order = [(result.distance_m, result.merchant.name.encode()) for result in results]
    assert order == sorted(order)
    distances = [distance for distance, _ in order]
    assert len(set(distances)) < len(distances), "the sample must contain equal distances"


def test_results_equal_the_stored_merchants(sample):
    for result in sample.search(radius_m=RADIUS_M, page_size=500):
        given = sample.merchants[result.merchant.name]
        assert result.merchant.display_name == given.display_name
        assert result.merchant.position == given.position
        assert result.merchant.wgs84_position == given.position
        assert result.merchant.visibility == merchants.VISIBILITY_VISIBLE


def test_default_radius_is_5_km(sample):
    assert sample.search(page_size=500) == sample.search(radius_m=RADIUS_M, page_size=500)
