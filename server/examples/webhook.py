"""Posts every change of a merchant to a URL, as a JSON object per change.

    pip install grpcio grpcio-tools
    python3 server/examples/webhook.py 127.0.0.1:50051 http://127.0.0.1:8000/changes --state webhook.json

Nearby has no webhooks of its own: a receiver that is slow or down is the business of the sender, which this program is. It follows
`WatchMerchants` and keeps the last revision that the receiver has accepted in the file `--state`, so that it continues there after a
restart: each change arrives at least once, in order. Without the file, it begins with the changes from now on. It exits with an error if
the server no longer has the changes since that revision: run `nearby export`, then remove the file and start again.
`connection.py` describes the address and the environment variables.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import grpc
from google.protobuf import json_format

from connection import connect, explain, manage_pb2, manage_pb2_grpc, metadata

parser = argparse.ArgumentParser(description="Posts every change of a merchant to a URL.")
parser.add_argument("address", metavar="[https://]HOST:PORT")
parser.add_argument("url", metavar="URL")
parser.add_argument("--state", type=Path, required=True, help="file of the last revision that the receiver has accepted")
parser.add_argument("--changes", type=int, help="exit after this number of changes")
args = parser.parse_args()

# Codes after which the watch is opened again: the server restarts, or has ended a watch that waited for a slow receiver.
TRANSIENT = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.ABORTED}


def post(change: dict) -> None:
    """Posts a change until the receiver accepts it, with pauses of one second to a minute."""
    body = json.dumps(change, ensure_ascii=False).encode()
    request = urllib.request.Request(args.url, body, {"content-type": "application/json"}, method="POST")
    pause = 1
    while True:
        try:
            with urllib.request.urlopen(request, timeout=30):
                return
        except (urllib.error.URLError, TimeoutError) as error:
            print(f"the receiver does not accept revision {change['revision']}: {error}", file=sys.stderr)
            time.sleep(pause)
            pause = min(2 * pause, 60)


def save(state: dict) -> None:
    """Replaces the file atomically, so that a crash leaves the old or the new state."""
    new = args.state.with_suffix(".new")
    new.write_text(json.dumps(state))
    os.replace(new, args.state)


def follow(service: manage_pb2_grpc.MerchantServiceStub, state: dict) -> None:
    """Posts changes until the watch ends."""
    request = manage_pb2.WatchMerchantsRequest(history_id=state.get("history_id", ""))
    if "revision" in state:
        request.revision = state["revision"]
    for response in service.WatchMerchants(request, metadata=metadata()):
        for change in response.changes:
            post(json_format.MessageToDict(change))
            save({"revision": change.revision, "history_id": response.history_id})
            if args.changes is not None:
                args.changes -= 1
                if args.changes <= 0:
                    sys.exit(0)
        save({"revision": response.revision, "history_id": response.history_id})


with connect(args.address) as channel:
    service = manage_pb2_grpc.MerchantServiceStub(channel)
    while True:
        try:
            follow(service, json.loads(args.state.read_text()) if args.state.exists() else {})
        except grpc.RpcError as error:
            if error.code() not in TRANSIENT:
                sys.exit(explain(error))
            time.sleep(1)
