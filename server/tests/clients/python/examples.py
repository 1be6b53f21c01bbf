"""Runs an example as a newcomer would: as a program of its own, before merchants that it has to find."""

import os
import subprocess

from build import merchant, rows

# A city in which no other test has anything.
HERE = ("-33.86", "-70.65")


def store_bakeries(client, **fields) -> None:
    """Twelve, the farthest first: the order of the output must not be that of the rows."""
    given = [merchant(f"bakery-{n:02}", -33.86 + n * 1e-4, -70.65, **fields) for n in reversed(range(12))]
    client.merchants.ImportMerchants(iter([rows(given)]))


def run(*command: str) -> subprocess.CompletedProcess:
    # A proxy of the machine must not stand between the example and the server.
    environment = os.environ | {"no_grpc_proxy": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
