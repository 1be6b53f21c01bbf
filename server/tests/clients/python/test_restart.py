"""Acknowledged writes survive a restart."""

from build import FULL, create, merchant, query
from nearby_server import NearbyServer
from paging import pages
from stubs import manage
from sample import Sample


def test_merchants_and_page_tokens_survive_a_restart(tmp_path, rng):
    server = NearbyServer(tmp_path)
    with server:
        sample = Sample(server.client, rng, (60.1699, 24.9384), count=150, radius_m=4_000.0)
        deleted = server.client.merchants.CreateMerchant(create("deleted")).name
        server.client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=deleted))
        listed = _all(server.client)
        found = sample.search(page_size=500)
        first = server.client.nearby.SearchNearby(sample.query(page_size=7))
        first_listed = server.client.merchants.ListMerchants(manage.ListMerchantsRequest(page_size=7))
    with server:
        assert _all(server.client) == listed, "including etags and times"
        sample.client = server.client
        assert sample.search(page_size=500) == found
        rest = server.client.nearby.SearchNearby(sample.query(page_size=500, page_token=first.next_page_token))
        assert [*first.results, *rest.results] == found
        assert rest.revision >= first.revision, "revisions never go back"
        request = manage.ListMerchantsRequest(page_size=1_000, page_token=first_listed.next_page_token)
        rest_listed = server.client.merchants.ListMerchants(request)
        assert [*first_listed.merchants, *rest_listed.merchants] == listed


def test_etags_survive_a_restart_and_are_never_reused(tmp_path):
    server = NearbyServer(tmp_path)
    with server:
        before = server.client.merchants.CreateMerchant(create("kept", 1.0, 1.0))
        gone = server.client.merchants.CreateMerchant(create("gone", 1.0, 1.0))
        server.client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=gone.name))
    with server:
        again = server.client.merchants.CreateMerchant(create("gone", 1.0, 1.0))
        assert again.etag not in (before.etag, gone.etag)
        given = merchant("kept", 2.0, 2.0, etag=before.etag)
        after = server.client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=given))
        assert after.create_time == before.create_time
        found = server.client.nearby.SearchNearby(query(2.0, 2.0, view=FULL)).results
        assert [result.merchant for result in found] == [after]


def test_acknowledged_writes_survive_a_kill(tmp_path):
    server = NearbyServer(tmp_path)
    server.__enter__()
    created = [server.client.merchants.CreateMerchant(create(f"k{number:02}")) for number in range(20)]
    server.client.close()
    server.process.kill()
    server.process.wait()
    with server:
        assert _all(server.client) == created


def _all(client) -> list:
    responses = pages(client.merchants.ListMerchants, manage.ListMerchantsRequest(page_size=1_000))
    return [merchant for page in responses for merchant in page.merchants]
