"""Fixtures: one server per test module, each with its own data directory, so that modules do not affect each other."""

import os
import random

import pytest

from nearby_server import NearbyServer

# Random inputs find unexpected failures; the seed reproduces them.
SEED = int(os.environ.get("NEARBY_TEST_SEED") or random.SystemRandom().randrange(2**32))


def pytest_report_header() -> str:
    return f"NEARBY_TEST_SEED={SEED}"


def pytest_configure() -> None:
    if not os.access(os.environ.get("NEARBY_BIN", ""), os.X_OK):
        pytest.exit("NEARBY_BIN must be the path of a nearby binary", returncode=pytest.ExitCode.USAGE_ERROR)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with NearbyServer(tmp_path_factory.mktemp("nearby")) as server:
        yield server


@pytest.fixture(scope="module")
def client(server):
    return server.client


@pytest.fixture(scope="module")
def rng() -> random.Random:
    # pytest prints captured output with a failed test, even in quiet mode.
    print(f"NEARBY_TEST_SEED={SEED}")
    return random.Random(SEED)
