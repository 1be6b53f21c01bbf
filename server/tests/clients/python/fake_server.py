"""A server that answers every call as a test says, and counts how often each method is tried."""

from collections import Counter
from concurrent import futures

import grpc


class FakeServer(grpc.GenericRpcHandler):
    """`answer` takes the call and gives the bytes of one message, or aborts."""

    def __init__(self, answer) -> None:
        self.answer = answer
        self.attempts = Counter()

    def service(self, details):
        self.attempts[details.method.rsplit("/", 1)[-1]] += 1
        # On the wire a call with one message is a stream of one.
        return grpc.stream_stream_rpc_method_handler(lambda _, call: iter([self.answer(call)]))

    def __enter__(self) -> "FakeServer":
        self.server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(grace=None).wait()


def never_ready(call):
    call.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
