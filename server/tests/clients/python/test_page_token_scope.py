"""A page token belongs to the method that gave it."""

import grpc

from build import merchant, query, rows
from rpc_error import refused
from stubs import manage


def test_search_and_list_refuse_each_others_tokens(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n}", 60.0, 25.0) for n in range(5))]))
    of_search = client.nearby.SearchNearby(query(60.0, 25.0, page_size=2)).next_page_token
    of_list = client.merchants.ListMerchants(manage.ListMerchantsRequest(page_size=2)).next_page_token
    assert of_search and of_list
    for call, request in (
        (client.merchants.ListMerchants, manage.ListMerchantsRequest(page_token=of_search)),
        (client.nearby.SearchNearby, query(60.0, 25.0, page_token=of_list)),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])
