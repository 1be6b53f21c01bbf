"""Prints the merchants nearest to a point, ten per page.

    pip install grpcio grpcio-tools
    python3 server/examples/search.py 127.0.0.1:50051 60.1719 24.9414 --pages 2 --open

`connection.py` describes the address and the environment variables.
"""

import argparse
import sys

import grpc

from connection import TIMEOUT_SECONDS, connect, explain, filter_pb2, merchant_pb2, metadata, search_pb2, search_pb2_grpc

parser = argparse.ArgumentParser(description="Prints the merchants nearest to a point, ten per page.")
parser.add_argument("address", metavar="[https://]HOST:PORT")
parser.add_argument("latitude", metavar="LAT", type=float)
parser.add_argument("longitude", metavar="LON", type=float)
parser.add_argument("--pages", type=int, default=1, help="maximum number of pages (default: 1)")
parser.add_argument("--open", action="store_true", help="show whether each merchant is open now")
args = parser.parse_args()

# GPS positions are WGS84. There is no default datum: in China others are in use, which differ by hundreds of metres.
origin = merchant_pb2.Position(
    latitude=args.latitude, longitude=args.longitude, coordinate_system=merchant_pb2.COORDINATE_SYSTEM_WGS84
)
request = search_pb2.SearchNearbyRequest(origin=origin, page_size=10)
if args.open:
    # The default policy leaves out closed merchants.
    show_all = filter_pb2.OPENING_POLICY_SHOW_ALL
    request.opening.CopyFrom(filter_pb2.OpeningFilter(open_now=True, policy=show_all))

with connect(args.address) as channel:
    service = search_pb2_grpc.NearbyServiceStub(channel)
    for _ in range(args.pages):
        try:
            page = service.SearchNearby(request, timeout=TIMEOUT_SECONDS, metadata=metadata())
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
