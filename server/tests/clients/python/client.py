"""A channel to the server under test, with a stub per service."""

import json

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stubs import MerchantServiceStub, NearbyServiceStub

# Deadline of every call: a server that hangs must fail a test, not block the run.
_DEADLINE = json.dumps({"methodConfig": [{"name": [{}], "timeout": "20s"}]})
_OPTIONS = [
    # Ignores a proxy configured in the environment.
    ("grpc.enable_http_proxy", 0),
    # Server and test share the machine, so reconnecting quickly is harmless.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 200),
]


class Client:
    def __init__(self, address: str, service_config: str = _DEADLINE) -> None:
        options = [*_OPTIONS, ("grpc.service_config", service_config), ("grpc.enable_retries", 1)]
        self.channel = grpc.insecure_channel(address, options=options)
        self.nearby = NearbyServiceStub(self.channel)
        self.merchants = MerchantServiceStub(self.channel)
        self.health = health_pb2_grpc.HealthStub(self.channel)

    def status(self, service: str) -> int:
        return self.health.Check(health_pb2.HealthCheckRequest(service=service)).status

    def close(self) -> None:
        self.channel.close()
