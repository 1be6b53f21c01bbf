"""What a refused call says: its code, its message and the error details of google.rpc."""

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
class Refusal:
    code: grpc.StatusCode
    message: str
    details: dict

    @property
    def reason(self) -> str | None:
        """The stable word for what is wrong, of google.rpc.ErrorInfo."""
        info = self.details.get(details.ErrorInfo)
        return info.reason if info else None

    @property
    def fields(self) -> list[str]:
        """The fields that google.rpc.BadRequest names."""
        return [field for field, _ in self.reasons]

    @property
    def reasons(self) -> list[tuple[str, str]]:
        """The same with the stable word for what is wrong with each."""
        request = self.details.get(details.BadRequest)
        return [(violation.field, violation.reason) for violation in request.field_violations] if request else []

    @property
    def text(self) -> str:
        """All that the caller can read."""
        return "\n".join([self.message, *map(str, self.details.values())])


def refused(call, request) -> Refusal:
    """Makes a call that has to fail."""
    with pytest.raises(grpc.RpcError) as caught:
        # The answers of one that streams have to be asked for.
        answers = call(request)
        if isinstance(answers, grpc.Call):
            list(answers)
    error = caught.value
    # Raises where the code or the message of the details differ from those of the call.
    status = rpc_status.from_call(error)
    return Refusal(error.code(), error.details(), _unpacked(status.details) if status else {})


def refused_alone(request_status) -> Refusal:
    """The same of one request among many: its RequestStatus is a google.rpc.Status on the wire."""
    status = status_pb2.Status.FromString(request_status.SerializeToString())
    return Refusal(_CODES[status.code], status.message, _unpacked(status.details))


def _unpacked(packed) -> dict:
    unpacked = {}
    for detail in packed:
        kind = next(kind for kind in _KNOWN if detail.Is(kind.DESCRIPTOR))
        unpacked[kind] = kind.FromString(detail.value)
    return unpacked
