"""The Python example with TLS, a client certificate and an API key, and its messages when one of them is missing."""

import shutil
import sys

import pytest

import examples
from stubs import REPOSITORY
from tls import TlsServer

EXAMPLE = REPOSITORY / "server" / "examples" / "search.py"

pytestmark = pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("tls")


@pytest.fixture(scope="module")
def port(folder):
    with TlsServer(folder) as port:
        yield port


@pytest.fixture
def settings(folder, monkeypatch):
    """Sets all variables, and returns a function that removes some."""
    files = {"SERVER_CA": "ca.pem", "CLIENT_CERT": "client.pem", "CLIENT_KEY": "client.key", "API_KEY_FILE": "key"}
    for name, file in files.items():
        monkeypatch.setenv(f"NEARBY_{name}", str(folder / file))
    return lambda *names: [monkeypatch.delenv(f"NEARBY_{name}") for name in names]


def _run(address: str):
    return examples.run(sys.executable, str(EXAMPLE), address, *examples.HERE)


def _assert_fails(address: str, *parts: str):
    ran = _run(address)
    assert ran.returncode == 1 and "Traceback" not in ran.stderr, ran.stderr
    assert all(part in ran.stderr for part in parts), ran.stderr


def test_example_uses_certificates_and_the_key_of_the_environment(port, settings):
    ran = _run(f"https://localhost:{port}")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_a_missing_key_is_named(port, settings):
    settings("API_KEY_FILE")
    _assert_fails(f"https://localhost:{port}", "UNAUTHENTICATED")


def test_an_unknown_authority_is_named(port, settings):
    settings("SERVER_CA")
    _assert_fails(f"https://localhost:{port}", "set NEARBY_SERVER_CA")


def test_a_missing_client_certificate_is_named(port, settings):
    settings("CLIENT_CERT", "CLIENT_KEY")
    _assert_fails(f"https://localhost:{port}", "set NEARBY_CLIENT_CERT")


def test_http_to_a_tls_port_is_named(port):
    _assert_fails(f"localhost:{port}", "requires TLS: use an https:// address")


def test_https_to_a_plain_port_is_named(server, settings):
    _assert_fails(f"https://{server.address}", "not speak TLS")


def test_a_name_that_does_not_resolve_is_named():
    _assert_fails("no-such-host.invalid:50051", "the host name does not resolve")
