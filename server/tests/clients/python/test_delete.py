"""DeleteMerchant."""

import grpc
from google.rpc.error_details_pb2 import PreconditionFailure, ResourceInfo

from build import create, query
from rpc_error import refused
from stubs import manage


def test_what_is_deleted_is_gone_from_everywhere(client):
    name = client.merchants.CreateMerchant(create("gone", 30.0, 30.0)).name
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=name))
    assert list(client.nearby.SearchNearby(query(30.0, 30.0)).results) == []
    listed = client.merchants.ListMerchants(manage.ListMerchantsRequest()).merchants
    assert name not in [merchant.name for merchant in listed]
    for call, request in (
        (client.merchants.GetMerchant, manage.GetMerchantRequest(name=name)),
        (client.merchants.DeleteMerchant, manage.DeleteMerchantRequest(name=name)),
    ):
        refusal = refused(call, request)
        assert refusal.code == grpc.StatusCode.NOT_FOUND
        assert refusal.details[ResourceInfo].resource_name == name


def test_only_the_version_that_the_etag_names_is_deleted(client):
    created = client.merchants.CreateMerchant(create("guarded"))
    for etag in ("never made", "ffff"):
        refusal = refused(client.merchants.DeleteMerchant, manage.DeleteMerchantRequest(name=created.name, etag=etag))
        assert refusal.code == grpc.StatusCode.ABORTED
        [violation] = refusal.details[PreconditionFailure].violations
        assert (violation.type, violation.subject) == ("ETAG", created.name)
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=created.name, etag=created.etag))
    refusal = refused(client.merchants.GetMerchant, manage.GetMerchantRequest(name=created.name))
    assert refusal.code == grpc.StatusCode.NOT_FOUND


def test_an_id_can_be_used_again(client):
    first = client.merchants.CreateMerchant(create("again"))
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=first.name))
    second = client.merchants.CreateMerchant(create("again"))
    assert second.etag != first.etag, "an etag read before the delete must not hold for what came after"
