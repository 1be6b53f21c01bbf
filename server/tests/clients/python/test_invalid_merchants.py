"""Merchants that cannot be are refused, by field, and nothing is stored."""

import math

import grpc
import pytest
from google.protobuf.field_mask_pb2 import FieldMask

from build import create, merchant, position
from rpc_error import refused
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
    "visibility unknown": ({"visibility": 3}, "visibility"),
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
    "date that is not": (
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
def test_create_names_the_field_and_stores_nothing(client, fields, field):
    refusal = refused(client.merchants.CreateMerchant, create("bad", **fields))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
    assert refusal.fields == [f"merchant.{field}".rstrip(".")]
    for digits in ("1237", "9876"):
        assert digits not in refusal.text
    get = manage.GetMerchantRequest(name="merchants/bad")
    assert refused(client.merchants.GetMerchant, get).code == grpc.StatusCode.NOT_FOUND


def test_no_merchant_at_all(client):
    for call, request in (
        (client.merchants.CreateMerchant, manage.CreateMerchantRequest()),
        (client.merchants.UpdateMerchant, manage.UpdateMerchantRequest()),
    ):
        refusal = refused(call, request)
        assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["merchant"])


def test_a_bad_update_leaves_what_was(client):
    before = client.merchants.CreateMerchant(create("steady"))
    given = merchant("steady", position=position(math.nan, LONGITUDE), phone="1")
    request = manage.UpdateMerchantRequest(merchant=given, update_mask=FieldMask(paths=["phone", "position"]))
    refusal = refused(client.merchants.UpdateMerchant, request)
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["merchant.position.latitude"])
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=before.name)) == before


@pytest.mark.parametrize("path", ["nonsense", "position.latitude", "*"])
def test_a_mask_of_what_cannot_be_updated_is_refused(client, path):
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=merchant("masked"), allow_missing=True))
    request = manage.UpdateMerchantRequest(merchant=merchant("masked"), update_mask=FieldMask(paths=["phone", path]))
    refusal = refused(client.merchants.UpdateMerchant, request)
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["update_mask"])


def test_a_mask_may_name_what_the_server_decides_and_it_is_ignored(client):
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
def test_however_much_is_wrong_the_refusal_arrives(client, fields):
    """gRPC's C core drops trailers above 8 KiB at random and reports RESOURCE_EXHAUSTED instead."""
    for _ in range(50):
        refusal = refused(client.merchants.CreateMerchant, create("overfull", **fields))
        assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT
        assert refusal.fields


def test_a_long_mask_is_refused_in_few_words(client):
    client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=merchant("masked"), allow_missing=True))
    mask = FieldMask(paths=["\U0001f35e" * 5_000])
    request = manage.UpdateMerchantRequest(merchant=merchant("masked"), update_mask=mask)
    assert refused(client.merchants.UpdateMerchant, request).fields == ["update_mask"]
