"""A page token is valid only for the method that issued it."""

import grpc

from build import merchant, query, rows
from rpc_error import expect_error
from stubs import manage


def test_search_and_list_reject_each_others_tokens(client):
    client.merchants.ImportMerchants(iter([rows(merchant(f"{n}", 60.0, 25.0) for n in range(5))]))
    search_token = client.nearby.SearchNearby(query(60.0, 25.0, page_size=2)).next_page_token
    list_token = client.merchants.ListMerchants(manage.ListMerchantsRequest(page_size=2)).next_page_token
    assert search_token and list_token
    for call, request in (
        (client.merchants.ListMerchants, manage.ListMerchantsRequest(page_token=search_token)),
        (client.nearby.SearchNearby, query(60.0, 25.0, page_token=list_token)),
    ):
        error = expect_error(call, request)
        assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["page_token"])
