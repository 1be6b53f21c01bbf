"""Views: fields of each merchant in search results."""

import pytest

from build import FULL, merchant, query
from stubs import filters, manage, merchants

FIELDS_OF = {
    "id only": (filters.MERCHANT_VIEW_ID_ONLY, {"name"}),
    "basic": (
        filters.MERCHANT_VIEW_BASIC,
        {"name", "display_name", "brand", "categories", "position", "mini_program"},
    ),
    "default": (
        filters.MERCHANT_VIEW_UNSPECIFIED,
        {"name", "display_name", "brand", "categories", "position", "mini_program"},
    ),
}


@pytest.fixture(scope="module")
def stored(client):
    link = merchants.MiniProgramLink(app_id="wx0123456789abcdef", path="pages/shop")
    given = merchant("seen", brand="B", categories=["c"], services=["s"], phone="1", mini_program=link)
    return client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=given))


@pytest.mark.parametrize("view, fields", FIELDS_OF.values(), ids=FIELDS_OF.keys())
def test_view_has_exactly_its_fields(client, stored, view, fields):
    expected = merchants.Merchant()
    expected.CopyFrom(stored)
    for descriptor, _ in stored.ListFields():
        if descriptor.name not in fields:
            expected.ClearField(descriptor.name)
    [found] = client.nearby.SearchNearby(query(60.17, 24.94, view=view)).results
    assert found.merchant == expected
    assert {descriptor.name for descriptor, _ in found.merchant.ListFields()} == fields


def test_full_view_has_all_fields(client, stored):
    [found] = client.nearby.SearchNearby(query(60.17, 24.94, view=FULL)).results
    assert found.merchant == stored
