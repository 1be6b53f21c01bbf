"""CreateMerchant and GetMerchant."""

import uuid

import grpc
from google.rpc.error_details_pb2 import ErrorInfo, ResourceInfo

from build import GCJ02, create, merchant, position
from rpc_error import expect_error
from stubs import manage, merchants


def test_client_can_set_the_id(client):
    request = manage.CreateMerchantRequest(merchant=merchant(""), merchant_id="by-id")
    assert client.merchants.CreateMerchant(request).name == "merchants/by-id"


def test_client_can_set_the_name(client):
    assert client.merchants.CreateMerchant(create("by-name")).name == "merchants/by-name"


def test_server_generates_a_uuid_by_default(client):
    created = client.merchants.CreateMerchant(create(""))
    assert str(uuid.UUID(created.name.removeprefix("merchants/"))) == created.name.removeprefix("merchants/")
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created


def test_created_merchant_is_returned_with_output_only_fields(client):
    given = _full("full")
    created = client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=given))
    assert created == client.merchants.GetMerchant(manage.GetMerchantRequest(name=given.name))
    assert created.etag and created.create_time == created.update_time and created.create_time.seconds > 0
    assert created.wgs84_position.coordinate_system == merchants.COORDINATE_SYSTEM_WGS84
    for added in ("etag", "wgs84_position", "create_time", "update_time"):
        created.ClearField(added)
    assert created == given


def test_output_only_fields_are_ignored_in_requests(client):
    given = merchant("output-only", etag="made up", wgs84_position=position(1.0, 2.0))
    given.create_time.seconds = given.update_time.seconds = 7
    created = client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=given))
    assert created.etag != "made up" and created.create_time.seconds != 7 and created.update_time.seconds != 7
    assert created.wgs84_position == given.position


def test_default_visibility_is_visible(client):
    assert client.merchants.CreateMerchant(create("seen")).visibility == merchants.VISIBILITY_VISIBLE


def test_ids_of_all_scripts_up_to_128_bytes_are_valid(client):
    for merchant_id in ("kahvila-ä", "咖啡店", "a b", "x" * 128, "é" * 64):
        created = client.merchants.CreateMerchant(create(merchant_id))
        assert created.name == f"merchants/{merchant_id}"
        assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created


def test_duplicate_id_is_already_exists(client):
    first = client.merchants.CreateMerchant(create("twice"))
    error = expect_error(client.merchants.CreateMerchant, create("twice", 1.0, 2.0))
    assert error.code == grpc.StatusCode.ALREADY_EXISTS
    assert error.details[ResourceInfo].resource_type == "nearby.v1.Merchant"
    assert error.details[ResourceInfo].resource_name == "merchants/twice"
    assert error.details[ErrorInfo].reason == "MERCHANT_EXISTS"
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=first.name)) == first


def test_missing_merchant_is_not_found(client):
    error = expect_error(client.merchants.GetMerchant, manage.GetMerchantRequest(name="merchants/missing"))
    assert error.code == grpc.StatusCode.NOT_FOUND
    assert error.details[ResourceInfo].resource_name == "merchants/missing"


def _full(merchant_id: str) -> merchants.Merchant:
    """Builds a merchant with every field that a client can set."""
    return merchant(
        merchant_id,
        brand="Brand",
        categories=["shop/bakery", "shop/café"],
        services=["delivery"],
        position=merchants.Position(latitude=39.9, longitude=116.4, coordinate_system=GCJ02, accuracy_m=0.0),
        address=merchants.PostalAddress(region_code="CN", locality="北京市", address_lines=["one", "two"]),
        phone="+358401234567",
        opening_hours=merchants.OpeningHours(
            time_zone="Asia/Shanghai",
            weekly_periods=[
                merchants.WeeklyPeriod(weekday=merchants.WEEKDAY_MONDAY, start_minute=480, length_minutes=600)
            ],
            special_days=[merchants.SpecialDay(date=merchants.CalendarDate(year=2028, month=2, day=29))],
            display_text="8-18",
        ),
        photos=[merchants.Photo(uri="https://example.com/1.jpg", width_px=640, height_px=480, alt_text="Door")],
        mini_program=merchants.MiniProgramLink(app_id="wx0123456789abcdef", path="pages/shop?id=1"),
        visibility=merchants.VISIBILITY_HIDDEN,
        external_ids=[merchants.ExternalId(system="osm", id="node/1")],
        labels={"tier": "gold", "empty": ""},
        website_uri="https://example.com",
    )
