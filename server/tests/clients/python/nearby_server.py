"""Runs a real server as a child process and requires a clean exit."""

import os
import signal
import subprocess
import time
from pathlib import Path

import grpc
from grpc_health.v1.health_pb2 import HealthCheckResponse

from client import Client

HEALTH_NAMES = ("", "nearby.v1.NearbyService", "nearby.v1.MerchantService")
START_SECONDS = 20
STOP_SECONDS = 20


class NearbyServer:
    """`with NearbyServer(folder) as server:` serves `folder/data`; entering it again restarts it on the same data."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.folder = folder
        self.flags = flags
        self.starts = 0

    def __enter__(self) -> "NearbyServer":
        self.starts += 1
        # One file per start, so that a stale address is never read.
        address_file = self.folder / f"address-{self.starts}"
        self.log = self.folder / f"log-{self.starts}"
        # Removes Nearby settings inherited from the environment.
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NEARBY_")}
        # A nearly full disk must not fail unrelated tests.
        environment["NEARBY_MIN_FREE_DISK_MIB"] = "16"
        command = [os.environ["NEARBY_BIN"], "serve", "--data-dir", str(self.folder / "data")]
        command += ["--listen", "127.0.0.1:0", "--address-file", str(address_file), "--reflection", *self.flags]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            self._wait_until(address_file.exists, "no address was written")
            self.address = address_file.read_text().strip()
            self.client = Client(self.address)
            for name in HEALTH_NAMES:
                self._wait_until(lambda name=name: self._serves(name), f"{name!r} is not SERVING")
        except BaseException:
            self.process.kill()
            self.process.wait()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        # The client stays connected, as load balancers do: that must not delay the shutdown.
        code = self.stop()
        self.client.close()
        assert code == 0, f"exit code {code} after SIGTERM\n{self.log.read_text()}"

    def stop(self) -> int:
        """Sends SIGTERM and returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"still running {STOP_SECONDS} s after SIGTERM\n{self.log.read_text()}") from None

    def _serves(self, name: str) -> bool:
        try:
            return self.client.status(name) == HealthCheckResponse.SERVING
        except grpc.RpcError as error:
            if error.code() == grpc.StatusCode.UNAVAILABLE:
                return False
            raise

    def _wait_until(self, ready, failure: str) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not ready():
            if self.process.poll() is not None:
                failure = f"exited with code {self.process.returncode}"
                raise AssertionError(f"{failure}\n{self.log.read_text()}")
            if time.monotonic() > deadline:
                raise AssertionError(f"{failure} within {START_SECONDS} s\n{self.log.read_text()}")
            time.sleep(0.02)
