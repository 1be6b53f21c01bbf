"""Prints the merchants nearest to a point, ten per page.

    pip install grpcio grpcio-tools
    python3 server/examples/search.py 127.0.0.1:50051 60.1719 24.9414 --pages 2 --open
"""

import argparse
import importlib.resources
import json
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

parser = argparse.ArgumentParser(description="Prints the merchants nearest to a point, ten per page.")
parser.add_argument("address", metavar="HOST:PORT")
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
with grpc.insecure_channel(args.address, options=[("grpc.service_config", json.dumps(service_config))]) as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    for _ in range(args.pages):
        try:
            page = service.SearchNearby(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
        for result in page.results:
            state = filter_pb2.OpenState.Name(result.open_state).removeprefix("OPEN_STATE_").lower()
            shown = [f"{result.distance_m:8.1f} m", *([f"{state:7}"] if args.open else []), result.merchant.display_name]
            print(*shown, result.merchant.name.removeprefix("merchants/"), sep="  ")
        # The next page is the same request with the token; an empty token marks the last page.
        request.page_token = page.next_page_token
        if not request.page_token:
            break
