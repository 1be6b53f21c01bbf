"""Builders of valid messages."""

from stubs import filters, manage, merchants, search

WGS84 = merchants.COORDINATE_SYSTEM_WGS84
GCJ02 = merchants.COORDINATE_SYSTEM_GCJ02
BD09 = merchants.COORDINATE_SYSTEM_BD09
FULL = filters.MERCHANT_VIEW_FULL


def position(latitude: float, longitude: float, datum: int = WGS84):
    return merchants.Position(latitude=latitude, longitude=longitude, coordinate_system=datum)


def merchant(merchant_id: str, latitude: float = 60.17, longitude: float = 24.94, **fields):
    """Builds a merchant; without an id it has no name, so that the server generates one."""
    fields = {"display_name": f"Shop {merchant_id}", "position": position(latitude, longitude)} | fields
    return merchants.Merchant(name=f"merchants/{merchant_id}" if merchant_id else "", **fields)


def create(merchant_id: str, *where: float, **fields):
    return manage.CreateMerchantRequest(merchant=merchant(merchant_id, *where, **fields))


def query(latitude: float, longitude: float, datum: int = WGS84, **fields):
    return search.SearchNearbyRequest(origin=position(latitude, longitude, datum), **fields)


def rows(given, **fields):
    """Builds one import message, its rows numbered from 1."""
    numbered = [manage.ImportRow(row_number=number, merchant=one) for number, one in enumerate(given, start=1)]
    return manage.ImportMerchantsRequest(rows=numbered, **fields)
