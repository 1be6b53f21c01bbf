"""Invalid merchants are rejected by field, and nothing is stored."""

import math

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from build import create, merchant, position
from rpc_error import expect_error
from stubs import manage, merchants

LATITUDE, LONGITUDE = 60.12378564, 24.98761243
WEEKDAY_HOURS = merchants.WeeklyPeriod(weekday=merchants.WEEKDAY_MONDAY, start_minute=0, length_minutes=60)


def _hours(**fields):
    return {"opening_hours": merchants.OpeningHours(**fields)}


BAD = {
    "latitude NaN": ({"position": position(math.nan, LONGITUDE)}, "position.latitude"),
    "latitude above 90": ({"position": position(90.12378564, LONGITUDE)}, "position.latitude"),
    "longitude inf": ({"position": position(LATITUDE, math.inf)}, "position.longitude"),
    "longitude below -180": ({"position": position(LATITUDE, -180.98761243)}, "position.longitude"),
    "datum unset": ({"position": position(LATITUDE, LONGITUDE, 0)}, "position.coordinate_system"),
    "datum unknown": ({"position": position(LATITUDE, LONGITUDE, 4)}, "position.coordinate_system"),
    "no position": ({"position": None}, "position"),
    "no display name": ({"display_name": ""}, "display_name"),
    "display name long": ({"display_name": "é" * 129}, "display_name"),
    "brand long": ({"brand": "x" * 129}, "brand"),
    "visibility unknown": ({"visibility": 4}, "visibility"),
    "source long": ({"source": "x" * 65}, "source"),
    "source blank": ({"source": " "}, "source"),
    "categories many": ({"categories": ["x"] * 33}, "categories"),
    "category empty": ({"categories": ["x", ""]}, "categories[1]"),
    "services many": ({"services": ["x"] * 65}, "services"),
    "region not alpha-2": ({"address": merchants.PostalAddress(region_code="FIN")}, "address.region_code"),
    "website not web": ({"website_uri": "ftp://example.com"}, "website_uri"),
    "photo without uri": ({"photos": [merchants.Photo()]}, "photos[0].uri"),
    "photo wide": (
        {"photos": [merchants.Photo(uri="https://example.com", width_px=100_001)]},
        "photos[0].width_px",
    ),
    "mini program empty": ({"mini_program": merchants.MiniProgramLink()}, "mini_program.app_id"),
    "external system empty": ({"external_ids": [merchants.ExternalId(id="1")]}, "external_ids[0].system"),
    "labels many": ({"labels": {str(number): "" for number in range(65)}}, "labels"),
    "zone missing": (_hours(weekly_periods=[WEEKDAY_HOURS]), "opening_hours.time_zone"),
    "zone unknown": (_hours(time_zone="Europe/Nowhere"), "opening_hours.time_zone"),
    "weekday unset": (
        _hours(time_zone="UTC", weekly_periods=[merchants.WeeklyPeriod(length_minutes=60)]),
        "opening_hours.weekly_periods[0].weekday",
    ),
    "date that does not exist": (
        _hours(
            time_zone="UTC",
            special_days=[merchants.SpecialDay(date=merchants.CalendarDate(year=2027, month=2, day=29))],
        ),
        "opening_hours.special_days[0].date",
    ),
    "too large": (
        {"photos": [merchants.Photo(uri=f"https://example.com/{'x' * 2_000}") for _ in range(20)]},
        "",
    ),
}


@pytest.mark.parametrize("fields, field", BAD.values(), ids=BAD.keys())
def test_create_reports_the_field_and_stores_nothing(client, fields, field):
    error = expect_error(client.merchants.CreateMerchant, create("bad", **fields))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT
    assert error.fields == [f"merchant.{field}".rstrip(".")]
    for digits in ("1237", "9876"):
        assert digits not in error.text
    get = manage.GetMerchantRequest(name="merchants/bad")
    assert expect_error(client.merchants.GetMerchant, get).code == grpc.StatusCode.NOT_FOUND


def test_missing_merchant_is_rejected(client):
    for call, request in (
        (client.merchants.CreateMerchant, manage.CreateMerchantRequest()),
        (client.merchants.UpdateMerchant, manage.UpdateMerchantRequest()),
    ):
        error = expect_error(call, request)
        assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["merchant"])


def test_invalid_update_changes_nothing(client):
    before = client.merchants.CreateMerchant(create("steady"))
    given = merchant("steady", position=position(math.nan, LONGITUDE), phone="1")
    request = manage.UpdateMerchantRequest(merchant=given, update_mask=FieldMask(paths=["phone", "position"]))
    error = expect_error(client.merchants.UpdateMerchant, request)
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["merchant.position.latitude"])
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=before.name)) == before


@pytest.mark.parametrize("path", ["nonsense", "position.latitude", "*"])
def test_mask_with_an_unknown_field_is_rejected(client, path):
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=merchant("masked"), allow_missing=True))
    request = manage.UpdateMerchantRequest(merchant=merchant("masked"), update_mask=FieldMask(paths=["phone", path]))
    error = expect_error(client.merchants.UpdateMerchant, request)
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])


def test_output_only_fields_in_a_mask_are_ignored(client):
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=merchant("decided"), allow_missing=True))
    given = merchant("decided", phone="1", wgs84_position=position(1.0, 2.0))
    mask = FieldMask(paths=["phone", "etag", "wgs84_position", "update_time"])
    updated = client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=given, update_mask=mask))
    assert (updated.phone, updated.wgs84_position.latitude) == ("1", merchant("decided").position.latitude)


@pytest.mark.parametrize(
    "fields",
    [
        _hours(special_days=[merchants.SpecialDay()] * 400),
        {"services": [""] * 64, "categories": [""] * 32, "photos": [merchants.Photo()] * 32},
        {"labels": {"\U0001f35e" * 300: ""}},
    ],
    ids=["special days", "everything empty", "long label"],
)
def test_errors_with_many_violations_arrive(client, fields):
    """gRPC's C core drops trailers above 8 KiB at random and reports RESOURCE_EXHAUSTED instead."""
    for _ in range(50):
        error = expect_error(client.merchants.CreateMerchant, create("overfull", **fields))
        assert error.code == grpc.StatusCode.INVALID_ARGUMENT
        assert error.fields


def test_error_of_a_long_mask_is_short(client):
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=merchant("masked"), allow_missing=True))
    mask = FieldMask(paths=["\U0001f35e" * 5_000])
    request = manage.UpdateMerchantRequest(merchant=merchant("masked"), update_mask=mask)
    assert expect_error(client.merchants.UpdateMerchant, request).fields == ["update_mask"]
