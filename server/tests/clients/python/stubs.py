"""The contract as Python modules, generated from the .proto files at each run so that they are never stale."""

import atexit
import importlib.resources
import sys
import tempfile
from pathlib import Path

from grpc_tools import protoc

REPOSITORY = Path(__file__).resolve().parents[4]
_PROTO = REPOSITORY / "proto"


def _generate(folder: str) -> None:
    well_known = importlib.resources.files("grpc_tools") / "_proto"
    sources = sorted(str(path.relative_to(_PROTO)) for path in _PROTO.glob("nearby/v1/*.proto"))
    command = ["protoc", f"-I{_PROTO}", f"-I{well_known}", f"--python_out={folder}", f"--grpc_python_out={folder}"]
    if not sources or protoc.main(command + sources) != 0:
        raise RuntimeError(f"cannot generate stubs from {_PROTO}")


_folder = tempfile.TemporaryDirectory(prefix="nearby-stubs-")
atexit.register(_folder.cleanup)
_generate(_folder.name)
sys.path.insert(0, _folder.name)

from nearby.v1 import cluster_pb2 as cluster  # noqa: E402
from nearby.v1 import filter_pb2 as filters  # noqa: E402
from nearby.v1 import manage_pb2 as manage  # noqa: E402
from nearby.v1 import manage_pb2_grpc, search_pb2_grpc  # noqa: E402
from nearby.v1 import merchant_pb2 as merchants  # noqa: E402
from nearby.v1 import search_pb2 as search  # noqa: E402

MerchantServiceStub = manage_pb2_grpc.MerchantServiceStub
NearbyServiceStub = search_pb2_grpc.NearbyServiceStub

__all__ = ["REPOSITORY", "MerchantServiceStub", "NearbyServiceStub", "cluster", "filters", "manage", "merchants", "search"]
