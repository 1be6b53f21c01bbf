"""Runs an example as a separate process, with merchants for it to find."""

import os
import subprocess
import time

from build import merchant, rows

# An area that no other test uses.
HERE = ("-33.86", "-70.65")


def store_bakeries(client, **fields) -> None:
    """Stores twelve, farthest first, so that the insertion order differs from the expected order."""
    given = [merchant(f"bakery-{n:02}", -33.86 + n * 1e-4, -70.65, **fields) for n in reversed(range(12))]
    client.merchants.ImportMerchants(iter([rows(given)]))


def run(*command: str) -> subprocess.CompletedProcess:
    # Ignores a proxy configured in the environment.
    environment = os.environ | {"no_grpc_proxy": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def wait_until(condition) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "timed out"
        time.sleep(0.02)
