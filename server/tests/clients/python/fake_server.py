"""A fake server whose responses are scripted by the test, and which counts the attempts per method."""

from collections import Counter
from concurrent import futures

import grpc


class FakeServer(grpc.GenericRpcHandler):
    """`handler` takes the call and returns the bytes of one message, or aborts."""

    def __init__(self, handler) -> None:
        self.handler = handler
        self.attempts = Counter()

    def service(self, details):
        self.attempts[details.method.rsplit("/", 1)[-1]] += 1
        # On the wire, a unary call is a stream of one message.
        return grpc.stream_stream_rpc_method_handler(lambda _, call: iter([self.handler(call)]))

    def __enter__(self) -> "FakeServer":
        self.server = grpc.server(futures.ThreadPoolExecutor(8), handlers=[self])
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"
        self.server.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop(grace=None).wait()


def never_ready(call):
    call.abort(grpc.StatusCode.UNAVAILABLE, "not yet")
