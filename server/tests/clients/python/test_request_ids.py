"""A write repeated with its request_id returns the first response and is not applied again."""

import uuid

import grpc
import pytest

from build import create, merchant, query
from nearby_server import NearbyServer
from rpc_error import expect_error
from stubs import manage


def new_id() -> str:
    return str(uuid.uuid4())


def creation(merchant_id: str, request_id: str, *where: float, **fields):
    return manage.CreateMerchantRequest(merchant=merchant(merchant_id, *where, **fields), request_id=request_id)


def test_repeated_request_returns_the_first_response(client):
    request = creation("once", new_id(), 10.0, 10.0)
    first = client.merchants.CreateMerchant(request)
    changed = merchant("once", 10.0, 10.0, phone="2")
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=changed))
    assert client.merchants.CreateMerchant(request) == first, "with the etag and times of the first response"
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=first.name)).phone == "2"
    # Without the id it is a different request.
    assert expect_error(client.merchants.CreateMerchant, create("once")).code == grpc.StatusCode.ALREADY_EXISTS


def test_repeated_create_keeps_the_generated_id(client):
    request = creation("", new_id(), 20.0, 20.0)
    names = {client.merchants.CreateMerchant(request).name for _ in range(3)}
    assert len(names) == 1 and _found(client, 20.0) == [*names]


def test_repeated_delete_does_not_delete_a_later_merchant(client):
    name = client.merchants.CreateMerchant(create("gone", 30.0, 30.0)).name
    request = manage.DeleteMerchantRequest(name=name, request_id=new_id())
    client.merchants.DeleteMerchant(request)
    client.merchants.DeleteMerchant(request)
    client.merchants.CreateMerchant(create("gone", 30.0, 30.0))
    client.merchants.DeleteMerchant(request)
    assert _found(client, 30.0) == [name]


def test_repeated_update_does_not_fail_on_its_etag(client):
    stored = client.merchants.CreateMerchant(create("guarded"))
    given = merchant("guarded", etag=stored.etag, phone="2")
    request = manage.UpdateMerchantRequest(merchant=given, request_id=new_id())
    first = client.merchants.UpdateMerchant(request)
    assert first.etag != stored.etag and client.merchants.UpdateMerchant(request) == first


def test_repeated_batch_returns_the_first_response(client):
    requests = [create("b1", 40.0, 40.0), create("b2", 40.0, 40.0)]
    request = manage.BatchCreateMerchantsRequest(requests=requests, request_id=new_id())
    first = client.merchants.BatchCreateMerchants(request)
    assert client.merchants.BatchCreateMerchants(request) == first
    assert _found(client, 40.0) == ["merchants/b1", "merchants/b2"]


def test_request_id_cannot_be_reused_for_another_request(client):
    request_id = new_id()
    client.merchants.CreateMerchant(creation("mine", request_id))
    for call, other in (
        (client.merchants.CreateMerchant, creation("mine", request_id, phone="1")),
        (client.merchants.DeleteMerchant, manage.DeleteMerchantRequest(name="merchants/mine", request_id=request_id)),
    ):
        error = expect_error(call, other)
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert error.reasons == [("request_id", "REQUEST_ID_REUSED")]


def test_request_id_of_a_failed_request_is_not_remembered(client):
    request = creation("late", new_id())
    client.merchants.CreateMerchant(create("late"))
    assert expect_error(client.merchants.CreateMerchant, request).code == grpc.StatusCode.ALREADY_EXISTS
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name="merchants/late"))
    assert client.merchants.CreateMerchant(request).name == "merchants/late"


@pytest.mark.parametrize("request_id", ["1", "not a UUID", "0" * 31, str(uuid.uuid4()) + "0"])
def test_request_id_must_be_a_uuid(client, request_id):
    error = expect_error(client.merchants.CreateMerchant, creation("bad", request_id))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.reasons == [("request_id", "INVALID_REQUEST_ID")]


def test_request_ids_survive_a_restart(tmp_path):
    server = NearbyServer(tmp_path)
    request = creation("kept", new_id())
    with server:
        first = server.client.merchants.CreateMerchant(request)
    with server:
        assert server.client.merchants.CreateMerchant(request) == first


def _found(client, degrees: float) -> list[str]:
    return [result.merchant.name for result in client.nearby.SearchNearby(query(degrees, degrees)).results]
