"""UpdateMerchant: with and without a mask, and with an etag."""

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from google.rpc.error_details_pb2 import ErrorInfo, PreconditionFailure, ResourceInfo

from build import create, merchant, position, query
from rpc_error import expect_error
from stubs import manage, merchants


def test_mask_limits_the_update_to_its_fields(client):
    before = client.merchants.CreateMerchant(create("masked", brand="Old", phone="1"))
    given = merchant("masked", 1.0, 2.0, display_name="Not taken", brand="", phone="2")
    after = client.merchants.UpdateMerchant(_update(given, "phone"))
    assert after.phone == "2"
    assert after.etag != before.etag
    assert after.create_time == before.create_time
    assert after.update_time.ToNanoseconds() > before.update_time.ToNanoseconds()
    for changed in ("phone", "etag", "update_time"):
        before.ClearField(changed)
        after.ClearField(changed)
    assert after == before


def test_unset_field_in_the_mask_is_cleared(client):
    client.merchants.CreateMerchant(create("cleared", brand="Old", phone="1"))
    after = client.merchants.UpdateMerchant(_update(merchant("cleared"), "brand"))
    assert (after.brand, after.phone) == ("", "1")


def test_default_mask_is_the_set_fields(client):
    client.merchants.CreateMerchant(create("unmasked", brand="Old", phone="1"))
    given = merchants.Merchant(name="merchants/unmasked", phone="2")
    after = client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=given))
    assert (after.brand, after.phone, after.display_name) == ("Old", "2", "Shop unmasked")


def test_star_mask_replaces_all_fields(client):
    client.merchants.CreateMerchant(create("whole", brand="Old", phone="1"))
    after = client.merchants.UpdateMerchant(_update(merchant("whole", 1.0, 2.0, phone="2"), "*"))
    assert (after.brand, after.phone, after.position) == ("", "2", position(1.0, 2.0))


def test_stale_etag_is_aborted(client):
    first = client.merchants.CreateMerchant(create("guarded"))
    current = client.merchants.UpdateMerchant(_update(merchant("guarded", phone="1"), "phone"))
    for etag in (first.etag, "never made"):
        request = _update(merchant("guarded", etag=etag, phone="2"), "phone")
        error = expect_error(client.merchants.UpdateMerchant, request)
        assert (error.code, error.details[ErrorInfo].reason) == (grpc.StatusCode.ABORTED, "ETAG_MISMATCH")
        [violation] = error.details[PreconditionFailure].violations
        assert (violation.type, violation.subject) == ("ETAG", "merchants/guarded")
        assert error.details[ResourceInfo].resource_name == "merchants/guarded"
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=first.name)) == current
    updated = client.merchants.UpdateMerchant(_update(merchant("guarded", etag=current.etag, phone="2"), "phone"))
    assert updated.phone == "2"


def test_missing_merchant_is_created_only_with_allow_missing(client):
    request = _update(merchant("missing", phone="1"), "phone")
    assert expect_error(client.merchants.UpdateMerchant, request).code == grpc.StatusCode.NOT_FOUND
    request.allow_missing = True
    stored = client.merchants.UpdateMerchant(request)
    assert (stored.display_name, stored.phone) == ("Shop missing", "1"), "the mask is ignored"


def test_search_after_the_response_sees_the_move(client):
    client.merchants.CreateMerchant(create("mover", 10.0, 10.0))
    client.merchants.UpdateMerchant(_update(merchant("mover", -10.0, -10.0), "position"))
    assert _found(client, 10.0, 10.0) == []
    assert _found(client, -10.0, -10.0) == ["merchants/mover"]


def test_hidden_merchant_can_be_read_but_not_searched(client):
    created = client.merchants.CreateMerchant(create("ghost", 20.0, 20.0))
    given = merchant("ghost", visibility=merchants.VISIBILITY_HIDDEN)
    hidden = client.merchants.UpdateMerchant(_update(given, "visibility"))
    assert _found(client, 20.0, 20.0) == []
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == hidden


def _found(client, latitude: float, longitude: float) -> list[str]:
    return [result.merchant.name for result in client.nearby.SearchNearby(query(latitude, longitude)).results]


def _update(given, *paths: str) -> manage.UpdateMerchantRequest:
    return manage.UpdateMerchantRequest(merchant=given, update_mask=FieldMask(paths=paths))
