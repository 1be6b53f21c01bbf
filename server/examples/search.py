"""Prints the merchants nearest to a point, ten a page.

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

arguments = argparse.ArgumentParser(description="Prints the merchants nearest to a point, ten a page.")
arguments.add_argument("address", metavar="HOST:PORT")
arguments.add_argument("latitude", metavar="LAT", type=float)
arguments.add_argument("longitude", metavar="LON", type=float)
arguments.add_argument("--pages", type=int, default=1, help="how many pages to ask for at most (default: 1)")
arguments.add_argument("--open", action="store_true", help="say whether each merchant is open now")
given = arguments.parse_args()

# Make the client's stubs from the contract. A real program does this once, when it is built.
contract = Path(__file__).resolve().parents[2] / "proto"
well_known = importlib.resources.files("grpc_tools") / "_proto"
with tempfile.TemporaryDirectory() as stubs:
    options = [f"-I{contract}", f"-I{well_known}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(["protoc", *options, *map(str, contract.glob("nearby/v1/*.proto"))]) != 0:
        sys.exit("no stubs could be made")
    sys.path.insert(0, stubs)
    from nearby.v1 import filter_pb2, merchant_pb2, search_pb2, search_pb2_grpc

# The published service config: searches that meet a server which is starting or stopping are tried again. Without its
# timeouts: grpcio cuts those short by one to two seconds, whatever a call asks for (grpc/grpc#34547).
service_config = json.loads((contract / "nearby" / "v1" / "service_config.json").read_text())
for methods in service_config["methodConfig"]:
    methods.pop("timeout", None)
# So each call needs its own, for all attempts together: with none it waits for ever.
TIMEOUT_SECONDS = 5

# WGS84 is what GPS gives. The datum has no default: in China others are in use, hundreds of metres off.
origin = merchant_pb2.Position(
    latitude=given.latitude, longitude=given.longitude, coordinate_system=merchant_pb2.COORDINATE_SYSTEM_WGS84
)
request = search_pb2.SearchNearbyRequest(origin=origin, page_size=10)
if given.open:
    # Unless told otherwise, a search that asks about hours leaves out what is closed.
    show_all = filter_pb2.OPENING_POLICY_SHOW_ALL
    request.opening.CopyFrom(filter_pb2.OpeningFilter(open_now=True, policy=show_all))
with grpc.insecure_channel(given.address, options=[("grpc.service_config", json.dumps(service_config))]) as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    for _ in range(given.pages):
        try:
            page = service.SearchNearby(request, timeout=TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            sys.exit(f"{error.code().name}: {error.details()}")
        for found in page.results:
            state = filter_pb2.OpenState.Name(found.open_state).removeprefix("OPEN_STATE_").lower()
            shown = [f"{found.distance_m:8.1f} m", *([f"{state:7}"] if given.open else []), found.merchant.display_name]
            print(*shown, found.merchant.name.removeprefix("merchants/"), sep="  ")
        # The next page is the same request with the token; an empty one says that this was the last.
        request.page_token = page.next_page_token
        if not request.page_token:
            break
