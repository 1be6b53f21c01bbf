"""The published service config in grpcio."""

import json
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf.message_factory import GetMessageClass

from build import create, query
from client import Client
from fake_server import FakeServer, never_ready
from rpc_error import expect_error
from stubs import REPOSITORY, cluster, manage, search

PUBLISHED = (REPOSITORY / "proto" / "nearby" / "v1" / "service_config.json").read_text()
SERVICES = [search.DESCRIPTOR.services_by_name["NearbyService"], manage.DESCRIPTOR.services_by_name["MerchantService"]]
METHODS = [method for service in SERVICES for method in service.methods]
# Called by operators, with `nearby cluster`.
OPERATIONS = list(cluster.DESCRIPTOR.services_by_name["ClusterService"].methods)
# Reads, which are safe to retry. Streaming calls cannot be restarted by a library.
RETRIED = {
    "SearchNearby",
    "BatchSearchNearby",
    "GetDensity",
    "GetMerchant",
    "BatchGetMerchants",
    "ListMerchants",
}


def without_timeouts(config: str) -> str:
    """Removes the timeouts, as clients with grpcio must do.

    grpcio shortens every timeout of a service config by one to two seconds, by the same amount for all calls of a process
    (grpc/grpc#34547), and a longer timeout of the call does not override it.
    """
    config = json.loads(config)
    for method in config["methodConfig"]:
        method.pop("timeout", None)
    return json.dumps(config)


def test_published_service_config_is_accepted(server):
    client = Client(server.address, PUBLISHED)
    # Methods whose timeouts are long enough after the shortening, see above.
    stored = client.merchants.CreateMerchant(create("configured"))
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name=stored.name)) == stored
    found = client.nearby.BatchSearchNearby(search.BatchSearchNearbyRequest(requests=[query(60.17, 24.94)]))
    assert [result.merchant.name for result in found.results[0].response.results] == [stored.name]
    assert list(client.merchants.ExportMerchants(manage.ExportMerchantsRequest(), timeout=20))[0].merchants == [stored]
    client.close()


@pytest.mark.parametrize("before, after", [('"5s"', '"5"'), ('"maxAttempts": 4', '"maxAttempts": 1'), ("{", "")])
def test_invalid_service_config_fails_every_call(server, before, after):
    """Proves that the test above can fail."""
    client = Client(server.address, PUBLISHED.replace(before, after))
    error = expect_error(client.merchants.GetMerchant, manage.GetMerchantRequest(name="merchants/a"))
    assert error.code == grpc.StatusCode.INVALID_ARGUMENT and "Failed to create channel" in error.message
    client.close()


def test_every_method_is_configured_once():
    named = [(name["service"], name["method"]) for one in json.loads(PUBLISHED)["methodConfig"] for name in one["name"]]
    assert sorted(named) == sorted((method.containing_service.full_name, method.name) for method in METHODS + OPERATIONS)


def test_only_unary_reads_are_retried():
    with FakeServer(never_ready) as server:
        client = Client(server.address, without_timeouts(PUBLISHED))
        with ThreadPoolExecutor(len(METHODS)) as threads:
            errors = list(threads.map(lambda method: _try(client, method), METHODS))
        client.close()
    assert [error.code for error in errors] == [grpc.StatusCode.UNAVAILABLE] * len(METHODS)
    expected = {method.name: 4 if method.name in RETRIED else 1 for method in METHODS}
    assert server.attempts == expected


def _try(client, method):
    stub = client.nearby if method.containing_service.name == "NearbyService" else client.merchants
    request = GetMessageClass(method.input_type)()
    call = getattr(stub, method.name)
    return expect_error(lambda given: call(given, timeout=20), iter([request]) if method.client_streaming else request)
