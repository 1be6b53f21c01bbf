"""CreateMerchant and GetMerchant."""

import uuid

import grpc
from google.rpc.error_details_pb2 import ErrorInfo, ResourceInfo

from build import GCJ02, create, merchant, position
from rpc_error import refused
from stubs import manage, merchants


def test_an_id_may_be_given(client):
    request = manage.CreateMerchantRequest(merchant=merchant(""), merchant_id="by-id")
    assert client.merchants.CreateMerchant(request).name == "merchants/by-id"


def test_a_name_may_be_given(client):
    assert client.merchants.CreateMerchant(create("by-name")).name == "merchants/by-name"


def test_without_either_the_server_makes_a_uuid(client):
    created = client.merchants.CreateMerchant(create(""))
    assert str(uuid.UUID(created.name.removeprefix("merchants/"))) == created.name.removeprefix("merchants/")
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created


def test_what_was_given_comes_back_with_what_the_server_adds(client):
    given = _full("full")
    created = client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=given))
    assert created == client.merchants.GetMerchant(manage.GetMerchantRequest(name=given.name))
    assert created.etag and created.create_time == created.update_time and created.create_time.seconds > 0
    assert created.wgs84_position.coordinate_system == merchants.COORDINATE_SYSTEM_WGS84
    for added in ("etag", "wgs84_position", "create_time", "update_time"):
        created.ClearField(added)
    assert created == given


def test_output_only_fields_are_ignored(client):
    given = merchant("output-only", etag="made up", wgs84_position=position(1.0, 2.0))
    given.create_time.seconds = given.update_time.seconds = 7
    created = client.merchants.CreateMerchant(manage.CreateMerchantRequest(merchant=given))
    assert created.etag != "made up" and created.create_time.seconds != 7 and created.update_time.seconds != 7
    assert created.wgs84_position == given.position


def test_an_unset_visibility_is_visible(client):
    assert client.merchants.CreateMerchant(create("seen")).visibility == merchants.VISIBILITY_VISIBLE


def test_ids_of_all_scripts_up_to_128_bytes_can_be(client):
    for merchant_id in ("kahvila-ä", "咖啡店", "a b", "x" * 128, "é" * 64):
        created = client.merchants.CreateMerchant(create(merchant_id))
        assert created.name == f"merchants/{merchant_id}"
        assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=created.name)) == created


def test_a_second_of_the_same_id_already_exists(client):
    first = client.merchants.CreateMerchant(create("twice"))
    refusal = refused(client.merchants.CreateMerchant, create("twice", 1.0, 2.0))
    assert refusal.code == grpc.StatusCode.ALREADY_EXISTS
    assert refusal.details[ResourceInfo].resource_type == "nearby.v1.Merchant"
    assert refusal.details[ResourceInfo].resource_name == "merchants/twice"
    assert refusal.details[ErrorInfo].reason == "MERCHANT_EXISTS"
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=first.name)) == first


def test_one_that_is_not_there_is_not_found(client):
    refusal = refused(client.merchants.GetMerchant, manage.GetMerchantRequest(name="merchants/nobody"))
    assert refusal.code == grpc.StatusCode.NOT_FOUND
    assert refusal.details[ResourceInfo].resource_name == "merchants/nobody"


def _full(merchant_id: str) -> merchants.Merchant:
    """A merchant with every field set that a caller may set."""
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
