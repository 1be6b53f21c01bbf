"""The Python example, run unmodified."""

import sys
import time

import pytest

import examples
from build import create
from fake_server import FakeServer, never_ready
from stubs import REPOSITORY, merchants

EXAMPLE = REPOSITORY / "server" / "examples" / "search.py"


@pytest.fixture(scope="module", autouse=True)
def bakeries(client):
    examples.store_bakeries(client)


def test_every_example_has_a_test():
    """Add the test of a new example here, in test_rerank_example.py, test_webhook_example.py, test_rust_example.py or in ../node."""
    folders = [EXAMPLE.parent, REPOSITORY / "proto" / "client" / "examples"]
    found = {path.name for folder in folders for path in folder.iterdir() if not path.name.startswith((".", "_"))}
    assert found == {"connection.py", "search.py", "rerank.py", "webhook.py", "mini-program", "search.rs"}


def test_example_prints_the_ten_nearest(server):
    lines = _lines(_run(server.address, *examples.HERE))
    assert len(lines) == 10
    for number, line in enumerate(lines):
        assert f"Shop bakery-{number:02}" in line and line.endswith(f"bakery-{number:02}")
    assert lines[0].split()[0] == "0.0"


@pytest.mark.parametrize("pages", ["2", "3"])
def test_pages_option_limits_the_number_of_pages(server, pages):
    lines = _lines(_run(server.address, *examples.HERE, "--pages", pages))
    assert [line.split()[-1] for line in lines] == [f"bakery-{number:02}" for number in range(12)]


def test_open_option_shows_the_state(client, server):
    always = merchants.WeeklyPeriod(weekday=merchants.WEEKDAY_MONDAY, length_minutes=7 * 24 * 60)
    hours = {
        "open": merchants.OpeningHours(time_zone="America/Santiago", weekly_periods=[always]),
        # Known hours that start on a date in the far future.
        "closed": merchants.OpeningHours(
            time_zone="America/Santiago",
            special_days=[
                merchants.SpecialDay(
                    date=merchants.CalendarDate(year=9999, month=12, day=31),
                    periods=[merchants.DayPeriod(length_minutes=1)],
                )
            ],
        ),
        "unknown": None,
    }
    for number, (state, opening_hours) in enumerate(hours.items()):
        client.merchants.CreateMerchant(create(state, 10.0 + number * 1e-4, 10.0, opening_hours=opening_hours))
    lines = _lines(_run(server.address, "10", "10", "--open"))
    assert [(line.split()[2], line.split()[-1]) for line in lines] == [(state, state) for state in hours]
    # Without the option no state is shown, and the closed merchant is included.
    assert [line.split()[2] for line in _lines(_run(server.address, "10", "10"))] == ["Shop"] * 3


def test_example_reports_the_invalid_field(server):
    ran = _run(server.address, "91", "0")
    assert ran.returncode != 0
    assert "latitude" in ran.stderr and "Traceback" not in ran.stderr


def test_example_retries_as_the_service_config_says():
    with FakeServer(never_ready) as server:
        ran = _run(server.address, *examples.HERE)
    assert (ran.returncode, ran.stderr) == (1, "UNAVAILABLE: not yet\n")
    assert server.attempts == {"SearchNearby": 4}


def test_each_call_has_its_full_deadline():
    remaining = []

    def respond_late(call):
        remaining.append(call.time_remaining())
        # More than grpcio would leave of the published timeout of a search, if that applied.
        time.sleep(1.1)
        return b""

    with FakeServer(respond_late) as server:
        assert _lines(_run(server.address, *examples.HERE)) == []
    assert len(remaining) == 1 and 0.0 < remaining[0] < 60.0


def _run(*arguments: str):
    return examples.run(sys.executable, str(EXAMPLE), *arguments)


def _lines(ran) -> list[str]:
    assert (ran.returncode, ran.stderr) == (0, "")
    return ran.stdout.splitlines()
