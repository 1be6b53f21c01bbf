"""The example that ranks by travel times, run unmodified."""

import sys

import examples
from stubs import REPOSITORY

EXAMPLE = REPOSITORY / "server" / "examples" / "rerank.py"


def test_merchants_are_ranked_by_time_and_those_without_one_by_distance(client, server, tmp_path):
    examples.store_bakeries(client)
    times = tmp_path / "times.csv"
    times.write_text("bakery-03,60\nbakery-01,30.4\nelsewhere,1\nbakery-02,60\n")
    ran = examples.run(sys.executable, str(EXAMPLE), server.address, *examples.HERE, str(times))
    assert (ran.returncode, ran.stderr) == (0, "")
    shown = [(line.split()[0], line.split()[-1]) for line in ran.stdout.splitlines()]
    assert shown[:5] == [("30", "bakery-01"), ("60", "bakery-02"), ("60", "bakery-03"), ("-", "bakery-00"), ("-", "bakery-04")]
    assert len(shown) == 12
