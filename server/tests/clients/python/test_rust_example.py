"""The example of the Rust client, if `cargo test` or `cargo build --examples` has built it next to the server."""

import os
from pathlib import Path

import pytest

import examples
from fake_server import FakeServer, never_ready

EXAMPLE = Path(os.environ.get("NEARBY_BIN", "")).parent / "examples" / "search"

pytestmark = pytest.mark.skipif(not os.access(EXAMPLE, os.X_OK), reason=f"{EXAMPLE} is not built")


def test_example_prints_the_ten_nearest(client, server):
    examples.store_bakeries(client)
    ran = examples.run(str(EXAMPLE), server.address, *examples.HERE)
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert [line.split(maxsplit=2)[2] for line in lines] == [f"Shop bakery-{number:02}" for number in range(10)]
    metres = [float(line.split()[0]) for line in lines]
    # Steps of 11.1 m to the north.
    assert metres == pytest.approx([number * 11.09 for number in range(10)], rel=0, abs=0.2)


def test_example_reports_the_invalid_field(server):
    ran = examples.run(str(EXAMPLE), server.address, "91", "0")
    assert ran.returncode == 1
    assert "origin.latitude" in ran.stderr and "LATITUDE_OUT_OF_RANGE" in ran.stderr


def test_example_retries_and_then_reports_the_server_as_unavailable():
    with FakeServer(never_ready) as server:
        ran = examples.run(str(EXAMPLE), server.address, *examples.HERE)
    assert ran.returncode == 1
    # The deadline can pass before the last attempt.
    assert ran.stderr.startswith(("server unavailable: ", "deadline exceeded: "))
    assert server.attempts["SearchNearby"] > 1
