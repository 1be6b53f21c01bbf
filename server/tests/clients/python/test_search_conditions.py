"""Searches by text, within an area, and by reach, as a client in Python sends them."""

import grpc
import pytest

from build import WGS84, merchant, position, query, rows
from rpc_error import expect_error
from stubs import filters, merchants, search

HOME = (60.0, 25.0)
# Metres of a degree of latitude at 60° N.
DEGREE_M = 111_412.0


def north(merchant_id: str, metres: float, **fields):
    return merchant(merchant_id, HOME[0] + metres / DEGREE_M, HOME[1], **fields)


def ring(*corners):
    """Builds a ring from offsets north and east of home in degrees."""
    return merchants.Ring(
        latitudes=[HOME[0] + latitude for latitude, _ in corners],
        longitudes=[HOME[1] + longitude for _, longitude in corners],
    )


def polygons(*rings):
    given = [merchants.Polygon(shell=one) for one in rings]
    return merchants.PolygonSet(coordinate_system=WGS84, polygons=given)


@pytest.fixture(scope="module")
def searched(client):
    wide = merchants.ServiceArea(radius_m=9_000.0)
    around_home = ring((-0.01, -0.01), (-0.01, 0.01), (0.08, 0.01), (0.08, -0.01))
    outlined = merchants.ServiceArea(polygons=polygons(around_home))
    given = [
        north("near", 100.0, display_name="McDonald's"),
        north("han", 200.0, display_name="Coffee", localized_names={"zh": "星巴克国贸店"}),
        north("wide", 8_000.0, display_name="Łódź 7-Eleven", service_area=wide),
        north("outlined", 7_000.0, display_name="H&M", service_area=outlined),
        north("far", 6_000.0, display_name="Kiosk"),
    ]
    response = client.merchants.ImportMerchants(iter([rows(given)]))
    assert len(response.outcomes) == len(given)
    return client.nearby


def found(nearby, **fields):
    results = nearby.SearchNearby(query(*HOME, **fields)).results
    return [result.merchant.name.removeprefix("merchants/") for result in results]


def test_text_finds_names_by_their_words(searched):
    for text, expected in [("mcdonalds", ["near"]), ("国贸", ["han"]), ("COFFEE", ["han"]), ("lodz", [])]:
        assert found(searched, filter=filters.MerchantFilter(text=text)) == expected, text
    far = {"radius_m": 9_000.0, "reach": search.REACH_SERVING}
    assert found(searched, filter=filters.MerchantFilter(text="lodz 7eleven"), **far) == ["wide"]


def test_reach_finds_those_that_serve_the_origin(searched):
    assert found(searched) == ["near", "han"]
    assert found(searched, reach=search.REACH_SERVING) == ["outlined", "wide"]
    union = searched.SearchNearby(query(*HOME, reach=search.REACH_NEAR_OR_SERVING)).results
    assert [result.merchant.name for result in union] == [f"merchants/{one}" for one in ("near", "han", "outlined", "wide")]
    assert [result.serves_origin for result in union] == [False, False, True, True]


def test_results_lie_in_the_area_and_an_area_beyond_the_circle_is_truncated(searched):
    box = search.LatLngBox(
        south_west=position(HOME[0] - 0.01, HOME[1] - 0.01),
        north_east=position(HOME[0] + 150.0 / DEGREE_M, HOME[1] + 0.01),
    )
    whole = searched.SearchNearby(query(*HOME, area=search.SearchArea(box=box)))
    assert ([result.merchant.name for result in whole.results], whole.area_truncated) == (["merchants/near"], False)
    outline = polygons(ring((0.001, -0.01), (0.001, 0.01), (0.2, 0.0)))
    cut = searched.SearchNearby(query(*HOME, area=search.SearchArea(polygons=outline)))
    assert ([result.merchant.name for result in cut.results], cut.area_truncated) == (["merchants/han"], True)


def test_invalid_conditions_name_their_field(searched):
    crossed = polygons(ring((0.0, 0.0), (0.01, 0.01), (0.01, 0.0), (0.0, 0.01)))
    for fields, path in [
        ({"filter": filters.MerchantFilter(text="&")}, "filter.text"),
        ({"reach": 9}, "reach"),
        ({"area": search.SearchArea()}, "area"),
        ({"area": search.SearchArea(polygons=crossed)}, "area.polygons.polygons[0].shell"),
    ]:
        error = expect_error(searched.SearchNearby, query(*HOME, **fields))
        assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, [path])
