"""Invalid names, ids and pages in MerchantService."""

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from build import create, merchant
from rpc_error import expect_error
from stubs import manage

BAD_IDS = {
    "slash": "a/b",
    "129 bytes": "x" * 129,
    "129 bytes of UTF-8": "é" * 64 + "x",
    "control character": "a\x07b",
    "line break": "a\nb",
    "delete character": "a\x7f",
    "space before": " a",
    "space after": "a ",
    "ideographic space after": "a\u3000",
}
BAD_NAMES = {"nothing": "", "no id": "merchants/", "no collection": "a", "other collection": "shops/a"} | {
    what: f"merchants/{bad}" for what, bad in BAD_IDS.items()
}


def _named(name: str):
    given = merchant("")
    given.name = name
    return given


@pytest.mark.parametrize("bad", BAD_IDS.values(), ids=BAD_IDS.keys())
def test_create_rejects_invalid_ids(client, bad):
    request = manage.CreateMerchantRequest(merchant=merchant(""), merchant_id=bad)
    _assert_rejected(client.merchants.CreateMerchant, request, "merchant_id")


@pytest.mark.parametrize("bad", [name for name in BAD_NAMES.values() if name], ids=[k for k, v in BAD_NAMES.items() if v])
def test_create_rejects_invalid_names(client, bad):
    _assert_rejected(client.merchants.CreateMerchant, manage.CreateMerchantRequest(merchant=_named(bad)), "merchant.name")


def test_create_rejects_a_name_that_contradicts_the_id(client):
    request = create("one")
    request.merchant_id = "two"
    _assert_rejected(client.merchants.CreateMerchant, request, "merchant.name")


@pytest.mark.parametrize("bad", BAD_NAMES.values(), ids=BAD_NAMES.keys())
def test_get_update_and_delete_reject_invalid_names(client, bad):
    _assert_rejected(client.merchants.GetMerchant, manage.GetMerchantRequest(name=bad), "name")
    _assert_rejected(client.merchants.DeleteMerchant, manage.DeleteMerchantRequest(name=bad), "name")
    update = manage.UpdateMerchantRequest(
        merchant=_named(bad), update_mask=FieldMask(paths=["phone"]), allow_missing=True
    )
    _assert_rejected(client.merchants.UpdateMerchant, update, "merchant.name")


def test_list_rejects_a_negative_page_size(client):
    _assert_rejected(client.merchants.ListMerchants, manage.ListMerchantsRequest(page_size=-1), "page_size")


@pytest.mark.parametrize("token", ["garbage", "%%%", "A" * 64])
def test_list_rejects_a_token_that_was_never_issued(client, token):
    _assert_rejected(client.merchants.ListMerchants, manage.ListMerchantsRequest(page_token=token), "page_token")


def _assert_rejected(call, request, field: str) -> None:
    error = expect_error(call, request)
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.fields == [field]
