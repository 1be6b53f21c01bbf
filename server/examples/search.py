"""Prints the merchants nearest to a point, ten per page.

    pip install grpcio grpcio-tools
    python3 server/examples/search.py 127.0.0.1:50051 60.1719 24.9414 --pages 2 --open

The address may begin with https://. The environment variables are those of the command line: NEARBY_SERVER_CA, NEARBY_CLIENT_CERT,
NEARBY_CLIENT_KEY and NEARBY_API_KEY_FILE name files.
"""

import argparse
import importlib.resources
import json
import os
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

parser = argparse.ArgumentParser(description="Prints the merchants nearest to a point, ten per page.")
parser.add_argument("address", metavar="[https://]HOST:PORT")
parser.add_argument("latitude", metavar="LAT", type=float)
parser.add_argument("longitude", metavar="LON", type=float)
parser.add_argument("--pages", type=int, default=1, help="maximum number of pages (default: 1)")
parser.add_argument("--open", action="store_true", help="show whether each merchant is open now")
args = parser.parse_args()

# Generates the client stubs from the contract. A real program does this once, at build time.
contract = Path(__file__).resolve().parents[2] / "proto"
well_known = importlib.resources.files("grpc_tools") / "_proto"
with tempfile.TemporaryDirectory() as stubs:
    options = [f"-I{contract}", f"-I{well_known}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(["protoc", *options, *map(str, contract.glob("nearby/v1/*.proto"))]) != 0:
        sys.exit("cannot generate stubs")
    sys.path.insert(0, stubs)
    from nearby.v1 import filter_pb2, merchant_pb2, search_pb2, search_pb2_grpc

# Published service config: retries searches while the server starts or shuts down. Its timeouts are removed, because
# grpcio shortens them by one to two seconds, regardless of the timeout of the call (grpc/grpc#34547).
service_config = json.loads((contract / "nearby" / "v1" / "service_config.json").read_text())
for methods in service_config["methodConfig"]:
    methods.pop("timeout", None)
# Deadline of each call, including all attempts: without one, a call can wait indefinitely.
TIMEOUT_SECONDS = 5

# GPS positions are WGS84. There is no default datum: in China others are in use, which differ by hundreds of metres.
origin = merchant_pb2.Position(
    latitude=args.latitude, longitude=args.longitude, coordinate_system=merchant_pb2.COORDINATE_SYSTEM_WGS84
)
request = search_pb2.SearchNearbyRequest(origin=origin, page_size=10)
if args.open:
    # The default policy leaves out closed merchants.
    show_all = filter_pb2.OPENING_POLICY_SHOW_ALL
    request.opening.CopyFrom(filter_pb2.OpeningFilter(open_now=True, policy=show_all))


def read(variable: str) -> bytes | None:
    """Reads the file that an environment variable names, if it is set."""
    path = os.environ.get(variable)
    return Path(path).read_bytes() if path else None


def connect() -> grpc.Channel:
    options = [("grpc.service_config", json.dumps(service_config))]
    scheme, _, rest = args.address.rpartition("://")
    if scheme != "https":
        return grpc.insecure_channel(rest, options=options)
    # Without certificate authorities, gRPC trusts those that it contains.
    credentials = grpc.ssl_channel_credentials(
        read("NEARBY_SERVER_CA"), read("NEARBY_CLIENT_KEY"), read("NEARBY_CLIENT_CERT")
    )
    return grpc.secure_channel(rest, credentials, options=options)


# Likely causes of a connection that cannot be established, by a part of gRPC's message.
HINTS = {
    "WRONG_VERSION_NUMBER": "the port does not speak TLS; omit https://",
    "handshake read failed": "the port most likely does not speak TLS; omit https://",
    "CERTIFICATE_VERIFY_FAILED": "the server's certificate is not trusted; set NEARBY_SERVER_CA to its certificate authorities",
    # gRPC writes the alert of the server, CERTIFICATE_REQUIRED, to stderr only.
    "TSI_DATA_CORRUPTED": "the server most likely requires a client certificate; set NEARBY_CLIENT_CERT and NEARBY_CLIENT_KEY",
    "DNS resolution failed": "the host name does not resolve",
    "errors resolving": "the host name does not resolve",
}


def explain(error: grpc.RpcError) -> str:
    details = error.details() or ""
    hints = [hint for part, hint in HINTS.items() if part.lower() in details.lower()]
    return f"{error.code().name}: {hints[0]} ({details})" if hints else f"{error.code().name}: {details}"


key = read("NEARBY_API_KEY_FILE")
metadata = [("authorization", f"Bearer {key.decode().strip()}")] if key else []
with connect() as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    for _ in range(args.pages):
        try:
            page = service.SearchNearby(request, timeout=TIMEOUT_SECONDS, metadata=metadata)
        except grpc.RpcError as error:
            sys.exit(explain(error))
        for result in page.results:
            state = filter_pb2.OpenState.Name(result.open_state).removeprefix("OPEN_STATE_").lower()
            shown = [f"{result.distance_m:8.1f} m", *([f"{state:7}"] if args.open else []), result.merchant.display_name]
            print(*shown, result.merchant.name.removeprefix("merchants/"), sep="  ")
        # The next page is the same request with the token; an empty token marks the last page.
        request.page_token = page.next_page_token
        if not request.page_token:
            break
