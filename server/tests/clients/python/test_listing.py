"""Fields that describe, bound or hide a listing: attributes, languages, links, status, validity and review."""

import time

import pytest
from google.protobuf import field_mask_pb2, timestamp_pb2

from build import FULL, create, merchant, query, rows
from rpc_error import expect_error
from stubs import filters, manage, merchants, search

# A place of its own for each test, so that tests do not see each other's merchants.
AT = {"attributes": (10.0, 10.0), "languages": (11.0, 10.0), "links": (12.0, 10.0), "status": (13.0, 10.0), "review": (14.0, 10.0)}


def _ids(response) -> list[str]:
    return [result.merchant.name.removeprefix("merchants/") for result in response.results]


def _find(client, where, **fields):
    return client.nearby.SearchNearby(query(*where, **fields))


def test_attribute_ranges_and_category_prefixes_filter(client):
    where = AT["attributes"]
    given = [
        merchant("good", *where, attributes={"rating": 4.5, "price": 3}, categories=["food/cafe"]),
        merchant("poor", *where, attributes={"rating": 2}, categories=["food"]),
        merchant("truck", *where, attributes={"rating": 5}, categories=["foodtruck"]),
    ]
    client.merchants.ImportMerchants(iter([rows(given)]))
    rated = filters.MerchantFilter(attribute_ranges=[filters.AttributeRange(key="rating", min=4)])
    assert _ids(_find(client, where, filter=rated)) == ["good", "truck"]
    rated.any_category_prefixes.append("food")
    assert _ids(_find(client, where, filter=rated)) == ["good"]
    found = _find(client, where, filter=rated, view=FULL).results[0].merchant
    assert dict(found.attributes) == {"rating": 4.5, "price": 3}


def test_results_have_names_in_the_language_of_the_request(client):
    where = AT["languages"]
    names = {"zh-Hans": "星巴克", "en": "Starbucks"}
    client.merchants.CreateMerchant(create("coffee", *where, localized_names=names))
    for asked, (text, tag) in {
        "zh_CN": ("星巴克", "zh-Hans"),
        "EN-gb": ("Starbucks", "en"),
        "fr": ("Shop coffee", ""),
    }.items():
        [found] = _find(client, where, language_code=asked).results
        assert (found.localized_name.text, found.localized_name.language_code) == (text, tag)
    [found] = _find(client, where).results
    assert not found.HasField("localized_name")
    failure = expect_error(client.nearby.SearchNearby, query(*where, language_code="en, fr"))
    assert failure.reasons == [("language_code", "LANGUAGE_CODE_INVALID")]


def test_links_are_about_services_of_the_merchant(client):
    where = AT["links"]
    link = merchants.ServiceLink(service="booking", web_uri="https://example.test/book", description="订座")
    stored = client.merchants.CreateMerchant(create("table", *where, services=["booking"], service_links=[link]))
    assert list(stored.service_links) == [link]
    failure = expect_error(client.merchants.CreateMerchant, create("stool", *where, service_links=[link]))
    assert failure.reasons == [("merchant.service_links[0].service", "NOT_A_SERVICE")]


def test_status_and_validity_decide_what_is_found(client):
    where = AT["status"]
    now = int(time.time())
    at = lambda seconds: timestamp_pb2.Timestamp(seconds=now + seconds)  # noqa: E731
    given = [
        merchant("gone", *where, business_status=merchants.BUSINESS_STATUS_CLOSED_PERMANENTLY),
        merchant("pause", *where, business_status=merchants.BUSINESS_STATUS_CLOSED_TEMPORARILY),
        merchant("soon", *where, valid_from=at(3600)),
        merchant("today", *where, valid_from=at(-3600), valid_until=at(3600)),
    ]
    client.merchants.ImportMerchants(iter([rows(given)]))
    opening = filters.OpeningFilter(open_now=True, policy=filters.OPENING_POLICY_SHOW_ALL)
    found = _find(client, where, opening=opening)
    assert _ids(found) == ["pause", "today"]
    assert [result.open_state for result in found.results] == [filters.OPEN_STATE_CLOSED, filters.OPEN_STATE_UNKNOWN]
    assert found.results[0].merchant.business_status == merchants.BUSINESS_STATUS_CLOSED_TEMPORARILY
    hidden = filters.MerchantFilter(visibility_scope=filters.VISIBILITY_SCOPE_HIDDEN)
    assert _ids(_find(client, where, filter=hidden)) == ["gone", "soon"]


def test_a_rejected_merchant_is_found_after_its_approval(client):
    where = AT["review"]
    client.merchants.CreateMerchant(create("listing", *where))
    name = "merchants/listing"
    rejected = client.merchants.RejectMerchant(manage.RejectMerchantRequest(name=name, reason="no such street"))
    assert (rejected.review.state, rejected.review.reason) == (merchants.REVIEW_STATE_REJECTED, "no such street")
    update = manage.UpdateMerchantRequest(
        merchant=merchant("listing", *where, phone="1"), update_mask=field_mask_pb2.FieldMask(paths=["phone"])
    )
    assert client.merchants.UpdateMerchant(update).review == rejected.review
    assert _ids(_find(client, where)) == []
    approved = client.merchants.ApproveMerchant(manage.ApproveMerchantRequest(name=name))
    assert not approved.HasField("review") and _ids(_find(client, where)) == ["listing"]


@pytest.mark.parametrize("datum", [merchants.COORDINATE_SYSTEM_WGS84, merchants.COORDINATE_SYSTEM_GCJ02])
def test_an_origin_at_0_0_is_rejected(client, datum):
    failure = expect_error(client.nearby.SearchNearby, query(0.0, 0.0, datum))
    assert failure.reasons == [("origin", "NULL_ISLAND")]


def test_a_watch_from_a_fixed_point_has_later_changes(client):
    where = (15.0, 10.0)
    start = search.WatchNearbyStart(origin=query(*where).origin)
    responses = client.nearby.WatchNearbyFrom(start, timeout=60)
    assert next(responses).reset
    client.merchants.CreateMerchant(create("new", *where))
    assert [result.merchant.name for result in next(responses).entered] == ["merchants/new"]
    responses.cancel()


def test_density_cells_can_be_drawn(client):
    where = (16.0, 10.0)
    client.merchants.CreateMerchant(create("dot", *where))
    circle = search.Circle(center=query(*where).origin, radius_m=100)
    request = search.GetDensityRequest(circle=circle, resolution=8, output_coordinate_system=merchants.COORDINATE_SYSTEM_WGS84)
    [cell] = client.nearby.GetDensity(request).cells
    assert len(cell.outline) == 6
    assert min(point.latitude for point in cell.outline) < cell.center.latitude < max(point.latitude for point in cell.outline)
