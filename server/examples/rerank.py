"""Ranks the nearest merchants by travel times that the caller has, such as a row of a matrix from a routing engine.

    pip install grpcio grpcio-tools
    python3 server/examples/rerank.py 127.0.0.1:50051 60.1719 24.9414 times.csv

`times.csv` has lines of `id,seconds`. Nearby ranks by distance alone: it finds the candidates, and this program orders them.
Merchants without a time come last, by distance. `connection.py` describes the address and the environment variables.
"""

import argparse
import csv
import sys
from pathlib import Path

import grpc

from connection import TIMEOUT_SECONDS, connect, explain, merchant_pb2, metadata, search_pb2, search_pb2_grpc

# A routing engine computes about this many destinations of one origin in one call.
CANDIDATES = 50

parser = argparse.ArgumentParser(description="Ranks the nearest merchants by travel times.")
parser.add_argument("address", metavar="[https://]HOST:PORT")
parser.add_argument("latitude", metavar="LAT", type=float)
parser.add_argument("longitude", metavar="LON", type=float)
parser.add_argument("times", metavar="FILE", type=Path, help="lines of id,seconds")
args = parser.parse_args()

with args.times.open(newline="", encoding="utf-8") as file:
    seconds = {merchant: float(time) for merchant, time in csv.reader(file)}
origin = merchant_pb2.Position(
    latitude=args.latitude, longitude=args.longitude, coordinate_system=merchant_pb2.COORDINATE_SYSTEM_WGS84
)
with connect(args.address) as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    request = search_pb2.SearchNearbyRequest(origin=origin, page_size=CANDIDATES)
    try:
        results = service.SearchNearby(request, timeout=TIMEOUT_SECONDS, metadata=metadata()).results
    except grpc.RpcError as error:
        sys.exit(explain(error))


def travel_time(result: search_pb2.NearbyResult) -> float:
    return seconds.get(result.merchant.name.removeprefix("merchants/"), float("inf"))


# The sort is stable: merchants with the same time stay in the order of their distances.
for result in sorted(results, key=travel_time):
    time = travel_time(result)
    shown = f"{time:6.0f} s" if time < float("inf") else "      - s"
    print(shown, f"{result.distance_m:8.1f} m", result.merchant.display_name, sep="  ")
