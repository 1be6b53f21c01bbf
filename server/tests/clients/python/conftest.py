"""A server for each test module, on a folder of its own, so that no module sees what another stored."""

import os
import random

import pytest

from nearby_server import NearbyServer

# Chance finds what nobody thought of; the seed lets it be found again.
SEED = int(os.environ.get("NEARBY_TEST_SEED") or random.SystemRandom().randrange(2**32))


def pytest_report_header() -> str:
    return f"NEARBY_TEST_SEED={SEED}"


def pytest_configure() -> None:
    if not os.access(os.environ.get("NEARBY_BIN", ""), os.X_OK):
        pytest.exit("NEARBY_BIN must be the path of a nearby program", returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with NearbyServer(tmp_path_factory.mktemp("nearby")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    return server.client


@pytest.fixture(scope="module")
def chance() -> random.Random:
    # Shown with a test that fails, however quiet the run.
    print(f"NEARBY_TEST_SEED={SEED}")
    return random.Random(SEED)
