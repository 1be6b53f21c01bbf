"""Prints the ten merchants nearest to a point.

    pip install grpcio grpcio-tools
    python3 server/examples/search.py 127.0.0.1:50051 60.1699 24.9384
"""

import argparse
import importlib.resources
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

arguments = argparse.ArgumentParser(description="Prints the ten merchants nearest to a point.")
arguments.add_argument("address", metavar="HOST:PORT")
arguments.add_argument("latitude", metavar="LAT", type=float)
arguments.add_argument("longitude", metavar="LON", type=float)
given = arguments.parse_args()

# Make the client's stubs from the contract. A real program does this once, when it is built.
contract = Path(__file__).resolve().parents[2] / "proto"
well_known = importlib.resources.files("grpc_tools") / "_proto"
with tempfile.TemporaryDirectory() as stubs:
    options = [f"-I{contract}", f"-I{well_known}", f"--python_out={stubs}", f"--grpc_python_out={stubs}"]
    if protoc.main(["protoc", *options, *map(str, contract.glob("nearby/v1/*.proto"))]) != 0:
        sys.exit("no stubs could be made")
    sys.path.insert(0, stubs)
    from nearby.v1 import merchant_pb2, search_pb2, search_pb2_grpc

# WGS84 is what GPS gives. The datum has no default: in China others are in use, hundreds of metres off.
origin = merchant_pb2.Position(
    latitude=given.latitude, longitude=given.longitude, coordinate_system=merchant_pb2.COORDINATE_SYSTEM_WGS84
)
with grpc.insecure_channel(given.address) as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    try:
        found = service.SearchNearby(search_pb2.SearchNearbyRequest(origin=origin, page_size=10), timeout=10)
    except grpc.RpcError as error:
        sys.exit(f"{error.code().name}: {error.details()}")
for result in found.results:
    merchant = result.merchant
    print(f"{result.distance_m:8.1f} m  {merchant.display_name}  {merchant.name.removeprefix('merchants/')}")
