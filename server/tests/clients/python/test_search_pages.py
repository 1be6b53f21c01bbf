"""Pages of SearchNearby."""

import base64
import struct

import pytest

from build import merchant
from paging import pages
from stubs import manage
from sample import Sample


@pytest.fixture(scope="module")
def sample(client, rng):
    return Sample(client, rng, (48.8566, 2.3522), count=600, radius_m=4_000.0)


@pytest.mark.parametrize("page_size", [1, 7, 499])
def test_pages_have_no_gaps_and_no_duplicates(client, sample, page_size):
    responses = pages(client.nearby.SearchNearby, sample.query(page_size=page_size))
    results = [result for page in responses for result in page.results]
    order = [(result.distance_m, result.merchant.name.encode()) for result in results]
    assert order == sorted(set(order))
    assert {result.merchant.name for result in results} == set(sample.merchants)
    assert all(len(page.results) == page_size for page in responses[:-1])
    assert 0 < len(responses[-1].results) <= page_size, "no empty page at the end"
    assert len({page.revision for page in responses}) == 1, "no concurrent writes"


def test_page_size_defaults_to_20_and_is_capped_at_500(client, sample):
    for page_size, results in ((0, 20), (500, 500), (501, 500), (2**31 - 1, 500)):
        assert len(client.nearby.SearchNearby(sample.query(page_size=page_size)).results) == results


def test_page_size_can_change_between_pages(client, sample):
    first = client.nearby.SearchNearby(sample.query(page_size=7))
    second = client.nearby.SearchNearby(sample.query(page_size=11, page_token=first.next_page_token))
    at_once = client.nearby.SearchNearby(sample.query(page_size=18))
    assert [*first.results, *second.results] == list(at_once.results)


def test_page_token_is_url_safe_and_contains_no_coordinate(client, sample):
    token = client.nearby.SearchNearby(sample.query(page_size=1)).next_page_token
    assert token and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for degrees in sample.centre:
        for form in ("<d", ">d", "<f", ">f"):
            assert struct.pack(form, degrees) not in sealed


def test_merchants_present_throughout_are_returned_exactly_once(client, rng):
    sample = Sample(client, rng, (51.5072, -0.1276), count=200, radius_m=4_000.0)
    seen = []
    request = sample.query(page_size=7)
    for number in range(1_000):
        response = client.nearby.SearchNearby(request)
        seen += [result.merchant.name for result in response.results]
        if not response.next_page_token:
            break
        request.page_token = response.next_page_token
        # Created at the centre, which previous pages have covered, and deleted before the next page.
        newcomer = merchant(f"newcomer {number}", *sample.centre)
        client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=newcomer))
        client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=newcomer.name))
    stayed = [name for name in seen if not name.startswith("merchants/newcomer")]
    assert sorted(stayed) == sorted(sample.merchants)
