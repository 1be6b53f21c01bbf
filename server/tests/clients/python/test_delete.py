"""DeleteMerchant."""

import grpc
from google.rpc.error_details_pb2 import PreconditionFailure, ResourceInfo

from build import create, query
from rpc_error import expect_error
from stubs import manage


def test_deleted_merchant_is_in_no_response(client):
    name = client.merchants.CreateMerchant(create("gone", 30.0, 30.0)).name
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=name))
    assert list(client.nearby.SearchNearby(query(30.0, 30.0)).results) == []
    listed = client.merchants.ListMerchants(manage.ListMerchantsRequest()).merchants
    assert name not in [merchant.name for merchant in listed]
    for call, request in (
        (client.merchants.GetMerchant, manage.GetMerchantRequest(name=name)),
        (client.merchants.DeleteMerchant, manage.DeleteMerchantRequest(name=name)),
    ):
        error = expect_error(call, request)
        assert error.code == grpc.StatusCode.NOT_FOUND
        assert error.details[ResourceInfo].resource_name == name


def test_delete_requires_the_current_etag(client):
    created = client.merchants.CreateMerchant(create("guarded"))
    for etag in ("never made", "ffff"):
        request = manage.DeleteMerchantRequest(name=created.name, etag=etag)
        error = expect_error(client.merchants.DeleteMerchant, request)
        assert error.code == grpc.StatusCode.ABORTED
        [violation] = error.details[PreconditionFailure].violations
        assert (violation.type, violation.subject) == ("ETAG", created.name)
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=created.name, etag=created.etag))
    error = expect_error(client.merchants.GetMerchant, manage.GetMerchantRequest(name=created.name))
    assert error.code == grpc.StatusCode.NOT_FOUND


def test_id_can_be_reused_after_delete(client):
    first = client.merchants.CreateMerchant(create("again"))
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=first.name))
    second = client.merchants.CreateMerchant(create("again"))
    assert second.etag != first.etag, "an etag from before the delete must not match the new merchant"
