"""Contents of an RPC error: code, message and error details of google.rpc."""

from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from google.rpc import status_pb2
from grpc_status import rpc_status

_KNOWN = (
    details.BadRequest,
    details.ErrorInfo,
    details.PreconditionFailure,
    details.QuotaFailure,
    details.ResourceInfo,
    details.RetryInfo,
)
_CODES = {code.value[0]: code for code in grpc.StatusCode}


@dataclass(frozen=True)
class RpcFailure:
    code: grpc.StatusCode
    message: str
    details: dict

    @property
    def reason(self) -> str | None:
        """The stable reason in google.rpc.ErrorInfo."""
        info = self.details.get(details.ErrorInfo)
        return info.reason if info else None

    @property
    def fields(self) -> list[str]:
        """The invalid fields in google.rpc.BadRequest."""
        return [field for field, _ in self.reasons]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """The invalid fields with the stable reason of each."""
        request = self.details.get(details.BadRequest)
        return [(violation.field, violation.reason) for violation in request.field_violations] if request else []

    @property
    def text(self) -> str:
        """All text that the client receives."""
        return "\n".join([self.message, *map(str, self.details.values())])


def expect_error(call, request) -> RpcFailure:
    """Makes a call that must fail and returns its error."""
    with pytest.raises(grpc.RpcError) as caught:
        # A streaming call fails only when its responses are read.
        responses = call(request)
        if isinstance(responses, grpc.Call):
            list(responses)
    error = caught.value
    # Raises if code or message of the details differ from those of the call.
    status = rpc_status.from_call(error)
    return RpcFailure(error.code(), error.details(), _unpacked(status.details) if status else {})


def error_of_status(request_status) -> RpcFailure:
    """Converts the RequestStatus of one request of a batch or stream, which is a google.rpc.Status on the wire."""
    status = status_pb2.Status.FromString(request_status.SerializeToString())
    return RpcFailure(_CODES[status.code], status.message, _unpacked(status.details))


def _unpacked(packed) -> dict:
    unpacked = {}
    for detail in packed:
        kind = next(kind for kind in _KNOWN if detail.Is(kind.DESCRIPTOR))
        unpacked[kind] = kind.FromString(detail.value)
    return unpacked
