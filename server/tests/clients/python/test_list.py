"""ListMerchants: all merchants, by id as bytes, page by page."""

import pytest

from build import create, merchant, rows
from paging import pages
from stubs import manage, merchants

# Unordered ids whose byte order differs from alphabetical order.
IDS = ["b", "Z", "a", "ä", "咖", "10", "9", "a-", "a b", "aa", "🍞", "~", *(f"n{number:03}" for number in range(120))]


@pytest.fixture(scope="module", autouse=True)
def stored(client):
    hidden = create("hidden", visibility=merchants.VISIBILITY_HIDDEN)
    client.merchants.CreateMerchant(hidden)
    client.merchants.ImportMerchants(iter([rows(merchant(merchant_id) for merchant_id in IDS)]))


def expected() -> list[str]:
    ids = sorted([*IDS, "hidden"], key=lambda merchant_id: merchant_id.encode())
    return [f"merchants/{merchant_id}" for merchant_id in ids]


@pytest.mark.parametrize("page_size", [1, 7, 133, 1_000])
def test_pages_contain_all_merchants_in_order(client, page_size):
    responses = pages(client.merchants.ListMerchants, manage.ListMerchantsRequest(page_size=page_size))
    assert [merchant.name for page in responses for merchant in page.merchants] == expected()
    assert all(len(page.merchants) == page_size for page in responses[:-1])
    assert 0 < len(responses[-1].merchants) <= page_size, "no empty page at the end"


def test_default_page_size_is_100(client):
    assert len(client.merchants.ListMerchants(manage.ListMerchantsRequest()).merchants) == 100


def test_page_size_can_change_between_pages(client):
    first = client.merchants.ListMerchants(manage.ListMerchantsRequest(page_size=5))
    rest = client.merchants.ListMerchants(
        manage.ListMerchantsRequest(page_size=1_000, page_token=first.next_page_token)
    )
    assert [merchant.name for merchant in [*first.merchants, *rest.merchants]] == expected()
