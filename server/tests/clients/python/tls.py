"""Certificates, made with openssl, and a server that requires TLS, a client certificate and an API key."""

import os
import subprocess
import time
from pathlib import Path

from nearby_server import START_SECONDS, STOP_SECONDS


def _openssl(*arguments: str) -> None:
    subprocess.run(["openssl", *arguments], check=True, capture_output=True)


def make_certificates(folder: Path) -> None:
    """Writes ca.pem, and NAME.pem and NAME.key for `server` (localhost) and `client`."""
    new_key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    _openssl(
        "req", "-x509", *new_key, "-subj", "/CN=test", "-days", "2",
        "-keyout", str(folder / "ca.key"), "-out", str(folder / "ca.pem"),
    )  # fmt: skip
    for name, extension in (("server", "subjectAltName=DNS:localhost"), ("client", "subjectAltName=DNS:backend")):
        request, extensions = folder / f"{name}.csr", folder / f"{name}.ext"
        extensions.write_text(extension)
        _openssl(
            "req", *new_key, "-subj", f"/CN={name}", "-keyout", str(folder / f"{name}.key"), "-out", str(request)
        )  # fmt: skip
        _openssl(
            "x509", "-req", "-in", str(request), "-CA", str(folder / "ca.pem"), "-CAkey", str(folder / "ca.key"),
            "-CAcreateserial", "-days", "2", "-extfile", str(extensions), "-out", str(folder / f"{name}.pem"),
        )  # fmt: skip


class TlsServer:
    """`with TlsServer(folder) as port:` serves localhost; `folder/key` is the file of a key that may search."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __enter__(self) -> int:
        make_certificates(self.folder)
        nearby, keys = os.environ["NEARBY_BIN"], str(self.folder / "keys.toml")
        environment = {key: value for key, value in os.environ.items() if not key.startswith("NEARBY_")}
        environment["NEARBY_MIN_FREE_DISK_MIB"] = "16"
        added = subprocess.run(
            [nearby, "keys", "add", "app", "--role", "search", "--keys", keys],
            env=environment, check=True, capture_output=True, text=True,
        )  # fmt: skip
        (self.folder / "key").write_text(added.stdout)
        address = self.folder / "tls-address"
        command = [nearby, "serve", "--listen", "127.0.0.1:0", "--address-file", str(address), "--keys", keys]
        command += ["--data-dir", str(self.folder / "data"), "--tls-cert", str(self.folder / "server.pem")]
        command += ["--tls-key", str(self.folder / "server.key"), "--tls-client-ca", str(self.folder / "ca.pem")]
        log = (self.folder / "tls-log").open("wb")
        self.process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        # The server writes the file once it is ready.
        while not address.exists():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.process.kill()
                raise AssertionError((self.folder / "tls-log").read_text())
            time.sleep(0.02)
        return int(address.read_text().strip().rpartition(":")[2])

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        assert self.process.wait(STOP_SECONDS) == 0
