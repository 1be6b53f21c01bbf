"""grpc.health.v1, which load balancers and orchestrators poll."""

import grpc
import pytest
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse

from nearby_server import HEALTH_NAMES


@pytest.mark.parametrize("name", HEALTH_NAMES)
def test_check_reports_serving(client, name):
    assert client.status(name) == HealthCheckResponse.SERVING


@pytest.mark.parametrize("name", HEALTH_NAMES)
def test_watch_starts_with_the_current_state(client, name):
    watch = client.health.Watch(HealthCheckRequest(service=name))
    assert next(watch).status == HealthCheckResponse.SERVING
    watch.cancel()


def test_unknown_service_is_not_found(client):
    with pytest.raises(grpc.RpcError) as caught:
        client.status("nearby.v1.NoSuchService")
    assert caught.value.code() == grpc.StatusCode.NOT_FOUND
