"""What a refused call says: its code, its message and the error details of google.rpc."""

from dataclasses import dataclass

import grpc
import pytest
from google.rpc import error_details_pb2 as details
from grpc_status import rpc_status


@dataclass(frozen=True)
class Refusal:
    code: grpc.StatusCode
    message: str
    details: dict

    @property
    def fields(self) -> list[str]:
        """The fields that google.rpc.BadRequest names."""
        request = self.details.get(details.BadRequest)
        return [violation.field for violation in request.field_violations] if request else []

    @property
    def text(self) -> str:
        """All that the caller can read."""
        return "\n".join([self.message, *map(str, self.details.values())])


def refused(call, request) -> Refusal:
    """Makes a call that has to fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call(request)
    error = caught.value
    # Raises where the code or the message of the details differ from those of the call.
    status = rpc_status.from_call(error)
    return Refusal(error.code(), error.details(), _unpacked(status.details) if status else {})


def _unpacked(packed) -> dict:
    known = (details.BadRequest, details.ErrorInfo, details.ResourceInfo, details.RetryInfo)
    unpacked = {}
    for detail in packed:
        kind = next(kind for kind in known if detail.Is(kind.DESCRIPTOR))
        unpacked[kind] = kind.FromString(detail.value)
    return unpacked
