"""Pages of SearchNearby."""

import base64
import struct

import pytest

from build import merchant
from paging import pages
from stubs import manage
from sample import Town


@pytest.fixture(scope="module")
def town(client, chance):
    return Town(client, chance, (48.8566, 2.3522), count=600, widest_m=4_000.0)


@pytest.mark.parametrize("page_size", [1, 7, 499])
def test_pages_have_no_gaps_and_no_duplicates(client, town, page_size):
    answers = pages(client.nearby.SearchNearby, town.query(page_size=page_size))
    results = [result for page in answers for result in page.results]
    order = [(result.distance_m, result.merchant.name.encode()) for result in results]
    assert order == sorted(set(order))
    assert {result.merchant.name for result in results} == set(town.merchants)
    assert all(len(page.results) == page_size for page in answers[:-1])
    assert 0 < len(answers[-1].results) <= page_size, "no empty page at the end"
    assert len({page.revision for page in answers}) == 1, "nothing was changed meanwhile"


def test_page_size_0_means_20_and_above_500_means_500(client, town):
    for page_size, results in ((0, 20), (500, 500), (501, 500), (2**31 - 1, 500)):
        assert len(client.nearby.SearchNearby(town.query(page_size=page_size)).results) == results


def test_the_page_size_may_change_between_pages(client, town):
    first = client.nearby.SearchNearby(town.query(page_size=7))
    second = client.nearby.SearchNearby(town.query(page_size=11, page_token=first.next_page_token))
    at_once = client.nearby.SearchNearby(town.query(page_size=18))
    assert [*first.results, *second.results] == list(at_once.results)


def test_a_token_is_safe_in_a_url_and_holds_no_coordinate(client, town):
    token = client.nearby.SearchNearby(town.query(page_size=1)).next_page_token
    assert token and token.isascii() and token.replace("-", "").replace("_", "").isalnum()
    sealed = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    for degrees in town.centre:
        for form in ("<d", ">d", "<f", ">f"):
            assert struct.pack(form, degrees) not in sealed


def test_who_is_there_throughout_comes_exactly_once(client, chance):
    town = Town(client, chance, (51.5072, -0.1276), count=200, widest_m=4_000.0)
    seen = []
    request = town.query(page_size=7)
    for number in range(1_000):
        answer = client.nearby.SearchNearby(request)
        seen += [result.merchant.name for result in answer.results]
        if not answer.next_page_token:
            break
        request.page_token = answer.next_page_token
        # One comes in the middle of what has been read, and goes where the page ended.
        newcomer = merchant(f"newcomer {number}", *town.centre)
        client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=newcomer))
        client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=newcomer.name))
    stayed = [name for name in seen if not name.startswith("merchants/newcomer")]
    assert sorted(stayed) == sorted(town.merchants)
