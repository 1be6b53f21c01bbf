"""The example that posts changes, run unmodified."""

import http.server
import json
import subprocess
import sys
import threading

import pytest

import examples
from build import create
from stubs import REPOSITORY, manage

EXAMPLE = REPOSITORY / "server" / "examples" / "webhook.py"


class Receiver(http.server.ThreadingHTTPServer):
    """Receives changes; rejects the first attempt at each."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.accepted, self.seen = [], set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        is_first = body not in self.server.seen
        self.server.seen.add(body)
        if not is_first:
            self.server.accepted.append(json.loads(body))
        self.send_response(503 if is_first else 204)
        self.end_headers()

    def log_message(self, *_):
        pass


@pytest.fixture
def receiver():
    with Receiver() as receiver:
        yield receiver
        receiver.shutdown()


def _command(server, receiver, state, changes):
    url = f"http://127.0.0.1:{receiver.server_address[1]}/changes"
    return [sys.executable, str(EXAMPLE), server.address, url, "--state", str(state), "--changes", str(changes)]


def test_each_change_is_posted_until_it_is_accepted_and_a_restart_continues_there(client, server, receiver, tmp_path):
    state = tmp_path / "state.json"
    client.merchants.CreateMerchant(create("before", 10.0, 10.0))
    process = subprocess.Popen(_command(server, receiver, state, 1))
    try:
        # The watch has begun when the state has its revision.
        examples.wait_until(state.exists)
        client.merchants.CreateMerchant(create("first", 10.0, 10.0))
        assert process.wait(timeout=60) == 0
    finally:
        process.kill()
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name="merchants/before"))
    client.merchants.CreateMerchant(create("second", 10.0, 10.0))
    ran = examples.run(*_command(server, receiver, state, 2))
    assert ran.returncode == 0
    assert [change.get("deletedName") or change["stored"]["name"] for change in receiver.accepted] == [
        "merchants/first",
        "merchants/before",
        "merchants/second",
    ]
    assert "does not accept" in ran.stderr


def test_a_history_that_the_server_does_not_have_ends_the_program(server, receiver, tmp_path):
    state = tmp_path / "state.json"
    state.write_text(json.dumps({"revision": 1, "history_id": "0" * 32}))
    ran = examples.run(*_command(server, receiver, state, 1))
    assert ran.returncode == 1 and ran.stderr.startswith("OUT_OF_RANGE")
