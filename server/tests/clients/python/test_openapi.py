"""The OpenAPI document of the HTTP listener, and requests and responses that it describes."""

import json
import urllib.request

import pytest
from jsonschema.validators import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from nearby_server import NearbyServer

WGS84 = "COORDINATE_SYSTEM_WGS84"
HOME = {"latitude": 60.0, "longitude": 25.0, "coordinateSystem": WGS84}
SERVICE = "/nearby.v1.MerchantService"


@pytest.fixture(scope="module")
def url(tmp_path_factory):
    folder = tmp_path_factory.mktemp("http")
    file = folder / "http"
    with NearbyServer(folder, "--http-listen", "127.0.0.1:0", "--http-address-file", str(file)):
        yield f"http://{file.read_text().strip()}"


@pytest.fixture(scope="module")
def document(url):
    with urllib.request.urlopen(f"{url}/openapi.json") as response:
        return json.load(response)


def call(url, path, message):
    request = urllib.request.Request(url + path, json.dumps(message).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return json.load(response)


def test_the_document_is_valid(document):
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_requests_and_responses_match_their_schemas(url, document):
    merchant = {
        "name": "merchants/a",
        "displayName": "A",
        "position": HOME,
        "labels": {"owner": "7"},
        "attributes": {"rating": 4.5},
        "openingHours": {"timeZone": "Europe/Helsinki", "osmExpression": "Mo-Fr 08:00-17:00"},
        "serviceArea": {"radiusM": 500.0},
    }
    update = {"merchant": {"name": "merchants/a", "phone": "1"}, "updateMask": "phone,openingHours.timeZone"}
    circle = {"circle": {"center": HOME, "radiusM": 1000.0}, "resolution": 9}
    for path, request in [
        (f"{SERVICE}/CreateMerchant", {"merchant": merchant}),
        (f"{SERVICE}/UpdateMerchant", update),
        (f"{SERVICE}/GetMerchant", {"name": "merchants/a"}),
        (f"{SERVICE}/ListMerchants", {"pageSize": 10}),
        ("/nearby.v1.NearbyService/SearchNearby", {"origin": HOME, "view": "MERCHANT_VIEW_FULL", "includeTotal": True}),
        ("/nearby.v1.NearbyService/BatchSearchNearby", {"requests": [{"origin": HOME}, {"origin": {}}]}),
        ("/nearby.v1.NearbyService/GetDensity", circle),
        (f"{SERVICE}/DeleteMerchant", {"name": "merchants/a"}),
    ]:
        operation = document["paths"][path]["post"]
        schemas = [operation["requestBody"], operation["responses"]["200"]]
        for content, message in zip(schemas, [request, call(url, path, request)], strict=True):
            schema = {**content["content"]["application/json"]["schema"], "components": document["components"]}
            errors = [error.message for error in Draft202012Validator(schema).iter_errors(message)]
            assert errors == [], path
