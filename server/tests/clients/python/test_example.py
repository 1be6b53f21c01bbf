"""The example that a newcomer copies runs as it is written."""

import os
import subprocess
import sys

from build import create
from stubs import REPOSITORY

EXAMPLE = REPOSITORY / "server" / "examples" / "search.py"


def test_it_prints_the_ten_nearest(client, server):
    for number in range(12):
        client.merchants.CreateMerchant(create(f"bakery-{number:02}", -33.86 + number * 1e-4, -70.65))
    ran = _run(server.address, "-33.86", "-70.65")
    assert (ran.returncode, ran.stderr) == (0, "")
    lines = ran.stdout.splitlines()
    assert len(lines) == 10
    for number, line in enumerate(lines):
        assert f"Shop bakery-{number:02}" in line and line.endswith(f"bakery-{number:02}")
    assert lines[0].split()[0] == "0.0"


def test_it_says_what_is_wrong(server):
    ran = _run(server.address, "91", "0")
    assert ran.returncode != 0
    assert "latitude" in ran.stderr and "Traceback" not in ran.stderr


def _run(*arguments: str) -> subprocess.CompletedProcess:
    # A proxy of the machine must not stand between the example and the server.
    environment = os.environ | {"no_grpc_proxy": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, str(EXAMPLE), *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
