"""A channel to a server under test, with a stub of each of its services."""

import json

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from stubs import MerchantServiceStub, NearbyServiceStub

# A deadline for every call: a server that hangs must fail a test, not stop the run.
_DEADLINE = json.dumps({"methodConfig": [{"name": [{}], "timeout": "20s"}]})
_OPTIONS = [
    # A proxy of the machine must not stand between the test and its own child process.
    ("grpc.enable_http_proxy", 0),
    # Server and test share the machine: waiting long before the next attempt to connect wins nothing.
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
