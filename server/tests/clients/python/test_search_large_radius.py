"""Searches up to 50 km, the maximum that an operator can configure."""

import pytest

from nearby_server import NearbyServer
from sample import Sample

RADIUS_M = 50_000.0
# Tolerance documented in the contract for distances up to 50 km.
TOLERANCE_M = 2e-3
CENTRES = {"city": (31.23, 121.47), "equator": (0.1, 30.0), "antimeridian": (65.5, -179.99), "north pole": (89.9, 45.0)}


@pytest.fixture(scope="module")
def client(tmp_path_factory):
    with NearbyServer(tmp_path_factory.mktemp("far"), "--max-radius-m", "50000") as server:
        yield server.client


@pytest.mark.parametrize("centre", CENTRES.values(), ids=CENTRES.keys())
def test_results_distances_and_order_up_to_50_km(client, rng, centre):
    sample = Sample(client, rng, centre, count=300, radius_m=60_000.0)
    results = sample.search(radius_m=RADIUS_M, page_size=500)
    for result in results:
        assert result.distance_m == pytest.approx(sample.distance_m(result.merchant.name), rel=0, abs=TOLERANCE_M)
    found = {result.merchant.name for result in results}
    assert sample.names_within(RADIUS_M - TOLERANCE_M) <= found <= sample.names_within(RADIUS_M + TOLERANCE_M)
    order = [(result.distance_m, result.merchant.name.encode()) for result in results]
    assert order == sorted(order)
