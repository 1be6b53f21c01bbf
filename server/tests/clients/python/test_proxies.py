"""Calls through nginx and HAProxy, with the settings that OPERATING.md documents and with those that go wrong."""

import os
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest

from nearby_server import NearbyServer

START_SECONDS = 20
STOP_SECONDS = 20
# More than nginx's default limit of request bodies, 1 MB.
ROWS = 8_000
DOCUMENT = Path(__file__).parents[3] / "OPERATING.md"


def documented(language: str) -> str:
    """Returns the configuration of a proxy in the document."""
    (block,) = re.findall(rf"```{language}\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    return block


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    for old, new in pairs:
        assert re.search(old, text), f"the document has no {old}"
        text = re.sub(old, new, text)
    return text


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Proxy:
    """A proxy in the foreground, on `address`."""

    def __init__(self, folder: Path, command: list[str], port: int) -> None:
        self.address = f"127.0.0.1:{port}"
        self.log = folder / "log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                return
            except OSError:
                is_late = time.monotonic() > deadline
                if is_late or self.process.poll() is not None:
                    self.process.kill()
                    raise AssertionError(f"the proxy does not listen\n{self.log.read_text()}") from None
                time.sleep(0.02)

    def __enter__(self) -> "Proxy":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def nginx(folder: Path, upstream: str, *changes: tuple[str, str]) -> Proxy:
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    port = free_port()
    site = replaced(
        documented("nginx"),
        (r"listen 443 ssl http2;.*", f"listen 127.0.0.1:{port} http2;"),
        (r"ssl_certificate(_key)? .*", ""),
        (r"server 127\.0\.0\.1:50051;", f"server {upstream};"),
        *changes,
    )
    paths = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
    temporary = "".join(f"{name}_temp_path {folder / name};" for name in paths)
    user = "user root;" if os.getuid() == 0 else ""
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"{user} daemon off; worker_processes 1; pid {folder / 'pid'}; error_log stderr;\n"
        f"events {{}}\nhttp {{ access_log off; {temporary}\n{site}\n}}\n"
    )
    return Proxy(folder, ["nginx", "-e", "stderr", "-c", str(configuration)], port)


def haproxy(folder: Path, upstream: str, admin: str) -> Proxy:
    if not shutil.which("haproxy"):
        pytest.skip("haproxy is not installed")
    port = free_port()
    text = replaced(
        documented("haproxy"),
        (r"bind :443 .*", f"bind 127.0.0.1:{port} proto h2"),
        (r"127\.0\.0\.1:50051", upstream),
        (r"port 9464", f"port {admin.rsplit(':', 1)[-1]}"),
    )
    configuration = folder / "haproxy.cfg"
    configuration.write_text(text)
    return Proxy(folder, ["haproxy", "-db", "-f", str(configuration)], port)


def run(*arguments: str) -> subprocess.CompletedProcess:
    command = [os.environ["NEARBY_BIN"], *arguments]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("NEARBY_")}
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def search(address: str) -> subprocess.CompletedProcess:
    return run("search", "--at", "60.17,24.94", "--server", address)


@pytest.fixture(scope="module")
def admin_port():
    return free_port()


@pytest.fixture(scope="module")
def server(tmp_path_factory, admin_port):
    with NearbyServer(tmp_path_factory.mktemp("nearby"), "--admin-listen", f"127.0.0.1:{admin_port}") as server:
        yield server


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    file = tmp_path_factory.mktemp("rows") / "shops.csv"
    lines = [f"m{n},{'x' * 180} {n},60.17{n:04},24.94,wgs84" for n in range(ROWS)]
    file.write_text("\n".join(["id,name,lat,lon,datum", *lines]) + "\n")
    return str(file)


def test_an_import_passes_the_documented_nginx(server, rows, tmp_path):
    with nginx(tmp_path, server.address) as proxy:
        imported = run("import", rows, "--server", proxy.address)
        assert imported.returncode == 0, imported.stderr + proxy.log.read_text()
        assert f"{ROWS:,} accepted" in imported.stdout, imported.stdout
        found = search(proxy.address)
        assert found.returncode == 0, found.stderr


def test_an_import_passes_the_documented_haproxy(server, rows, tmp_path, admin_port):
    with haproxy(tmp_path, server.address, str(admin_port)) as proxy:
        imported = run("import", rows, "--server", proxy.address)
        assert imported.returncode == 0, imported.stderr + proxy.log.read_text()
        assert f"{ROWS:,} accepted" in imported.stdout, imported.stdout
        assert search(proxy.address).returncode == 0


def test_the_body_limit_of_nginx_is_named(server, rows, tmp_path):
    with nginx(tmp_path, server.address, (r"client_max_body_size .*", "")) as proxy:
        imported = run("import", rows, "--server", proxy.address)
    assert imported.returncode == 69, imported.stderr
    assert "HTTP 413" in imported.stderr, imported.stderr
    assert "client_max_body_size" in imported.stderr, imported.stderr


def test_an_unreachable_server_behind_a_proxy_is_named(tmp_path):
    closed = f"127.0.0.1:{free_port()}"
    with nginx(tmp_path, closed) as proxy:
        found = search(proxy.address)
    assert (found.returncode, "HTTP 502 Bad Gateway from nginx" in found.stderr) == (69, True), found.stderr
    folder = tmp_path / "haproxy"
    folder.mkdir()
    with haproxy(folder, closed, closed) as proxy:
        found = search(proxy.address)
    assert (found.returncode, "HTTP 503 Service Unavailable" in found.stderr) == (69, True), found.stderr


def test_the_timeout_of_nginx_is_named(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        upstream = f"127.0.0.1:{silent.getsockname()[1]}"
        with nginx(tmp_path, upstream, (r"grpc_read_timeout .*", "grpc_read_timeout 1s;")) as proxy:
            found = search(proxy.address)
    assert (found.returncode, "HTTP 504" in found.stderr) == (69, True), found.stderr
    assert "grpc_read_timeout" in found.stderr, found.stderr


def test_a_proxy_without_http_2_is_named(server, tmp_path):
    with nginx(tmp_path, server.address, (r" http2;", ";")) as proxy:
        found = search(proxy.address)
    assert found.returncode != 0
    assert "does not speak gRPC over HTTP/2" in found.stderr, found.stderr
