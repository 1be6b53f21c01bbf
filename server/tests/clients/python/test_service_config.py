"""The published service config, as grpcio takes it."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from build import create, query
from client import Client
from fake_server import FakeServer, never_ready
from rpc_error import refused
from stubs import REPOSITORY, manage, search

PUBLISHED = (REPOSITORY / "proto" / "nearby" / "v1" / "service_config.json").read_text()
SERVICES = [search.DESCRIPTOR.services_by_name["NearbyService"], manage.DESCRIPTOR.services_by_name["MerchantService"]]
METHODS = [method for service in SERVICES for method in service.methods]
# They change nothing, so that a second attempt does no harm. Streams cannot be begun anew by a library.
TRIED_AGAIN = {
    "SearchNearby",
    "BatchSearchNearby",
    "GetDensity",
    "GetMerchant",
    "BatchGetMerchants",
    "ListMerchants",
}


def without_timeouts(config: str) -> str:
    """As a caller with grpcio has to load it.

    Of every timeout in a service config grpcio takes one to two seconds, the same in all calls of a process
    (grpc/grpc#34547), and a longer timeout of the call does not undo it: of a search's two seconds there may be nothing
    left.
    """
    config = json.loads(config)
    for method in config["methodConfig"]:
        method.pop("timeout", None)
    return json.dumps(config)


def test_it_is_accepted_as_it_is(server):
    client = Client(server.address, PUBLISHED)
    # Methods that have seconds left, see above.
    stored = client.merchants.CreateMerchant(create("configured"))
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=stored.name)) == stored
    found = client.nearby.BatchSearchNearby(search.BatchSearchNearbyRequest(requests=[query(60.17, 24.94)]))
    assert [result.merchant.name for result in found.results[0].response.results] == [stored.name]
    assert list(client.merchants.ExportMerchants(manage.ExportMerchantsRequest(), timeout=20))[0].merchants == [stored]
    client.close()


@pytest.mark.parametrize("before, after", [('"5s"', '"5"'), ('"maxAttempts": 4', '"maxAttempts": 1'), ("{", "")])
def test_one_that_makes_no_sense_would_fail_every_call(server, before, after):
    """So that the test above can fail."""
    client = Client(server.address, PUBLISHED.replace(before, after))
    refusal = refused(client.merchants.GetMerchant, manage.GetMerchantRequest(name="merchants/a"))
    assert refusal.code == grpc.StatusCode.INVALID_ARGUMENT and "Failed to create channel" in refusal.message
    client.close()


def test_every_method_has_its_place_once():
    named = [(name["service"], name["method"]) for one in json.loads(PUBLISHED)["methodConfig"] for name in one["name"]]
    assert sorted(named) == sorted((method.containing_service.full_name, method.name) for method in METHODS)


def test_what_changes_nothing_is_tried_again_and_all_else_is_not():
    with FakeServer(never_ready) as server:
        client = Client(server.address, without_timeouts(PUBLISHED))
        with ThreadPoolExecutor(len(METHODS)) as threads:
            refusals = list(threads.map(lambda method: _try(client, method), METHODS))
        client.close()
    assert [refusal.code for refusal in refusals] == [grpc.StatusCode.UNAVAILABLE] * len(METHODS)
    expected = {method.name: 4 if method.name in TRIED_AGAIN else 1 for method in METHODS}
    assert server.attempts == expected


def _try(client, method):
    stub = client.nearby if method.containing_service.name == "NearbyService" else client.merchants
    request = GetMessageClass(method.input_type)()
    call = getattr(stub, method.name)
    return refused(lambda given: call(given, timeout=20), iter([request]) if method.client_streaming else request)
