"""Connection to a server, for the examples beside it: client stubs, service config, TLS and API key.

The address may begin with https://. The environment variables are those of the command line: NEARBY_SERVER_CA, NEARBY_CLIENT_CERT,
NEARBY_CLIENT_KEY and NEARBY_API_KEY_FILE name files.
"""

import importlib.resources
import json
import os
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

# Generates the client stubs from the contract. A real program does this once, at build time.
CONTRACT = Path(__file__).resolve().parents[2] / "proto"
with tempfile.TemporaryDirectory() as stubs:
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    options = [f"-I{CONTRACT}", f"-I{well_known}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(["protoc", *options, *map(str, CONTRACT.glob("nearby/v1/*.proto"))]) != 0:
        sys.exit("cannot generate stubs")
    sys.path.insert(0, stubs)
    from nearby.v1 import filter_pb2, manage_pb2, manage_pb2_grpc, merchant_pb2, search_pb2, search_pb2_grpc

__all__ = ["TIMEOUT_SECONDS", "connect", "explain", "filter_pb2", "manage_pb2", "manage_pb2_grpc", "merchant_pb2",
           "metadata", "search_pb2", "search_pb2_grpc"]

# Published service config: retries searches while the server starts or shuts down. Its timeouts are removed, because
# grpcio shortens them by one to two seconds, regardless of the timeout of the call (grpc/grpc#34547).
_service_config = json.loads((CONTRACT / "nearby" / "v1" / "service_config.json").read_text())
for methods in _service_config["methodConfig"]:
    methods.pop("timeout", None)
# Deadline of each call, including all attempts: without one, a call can wait indefinitely.
TIMEOUT_SECONDS = 5


def _read(variable: str) -> bytes | None:
    """Reads the file that an environment variable names, if it is set."""
    path = os.environ.get(variable)
    return Path(path).read_bytes() if path else None


def connect(address: str) -> grpc.Channel:
    options = [("grpc.service_config", json.dumps(_service_config))]
    scheme, _, rest = address.rpartition("://")
    if scheme != "https":
        return grpc.insecure_channel(rest, options=options)
    # Without certificate authorities, gRPC trusts those that it contains.
    credentials = grpc.ssl_channel_credentials(
        _read("NEARBY_SERVER_CA"), _read("NEARBY_CLIENT_KEY"), _read("NEARBY_CLIENT_CERT")
    )
    return grpc.secure_channel(rest, credentials, options=options)


def metadata() -> list[tuple[str, str]]:
    """Returns the metadata of a call, with the API key if one is set."""
    key = _read("NEARBY_API_KEY_FILE")
    return [("authorization", f"Bearer {key.decode().strip()}")] if key else []


# Likely causes of a connection that cannot be established, by a part of gRPC's message.
_HINTS = {
    "WRONG_VERSION_NUMBER": "the port does not speak TLS; omit https://",
    "handshake read failed": "the port most likely does not speak TLS; omit https://",
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted; set NEARBY_SERVER_CA to its certificate authorities",
    # gRPC writes the alert of the server, CERTIFICATE_REQUIRED, to stderr only.
    "TSI_DATA_CORRUPTED": "the server most likely requires a client certificate; set NEARBY_CLIENT_CERT and NEARBY_CLIENT_KEY",
    "DNS resolution failed": "the host name does not resolve",
    "errors resolving": "the host name does not resolve",
}


def explain(error: grpc.RpcError) -> str:
    """Returns an error as a line, with its likely cause."""
    details = error.details() or ""
    hints = [hint for part, hint in _HINTS.items() if part.lower() in details.lower()]
    return f"{error.code().name}: {hints[0]} ({details})" if hints else f"{error.code().name}: {details}"
