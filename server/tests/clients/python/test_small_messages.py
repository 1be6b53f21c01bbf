"""Streams of small messages, one row or search in each, which a busy server slows down but never ends."""

import threading

import pytest

from build import merchant, query
from stubs import manage, search

ROWS, SEARCHES = 10_000, 20_000
# The tests share the machine with the server and with the calls that keep it busy.
DEADLINE_S = 300


@pytest.fixture(autouse=True)
def busy(client):
    """Keeps a thread of the server busy."""
    done = threading.Event()

    def keep_busy():
        while not done.is_set():
            client.nearby.SearchNearby(query(50.0, 10.0, page_size=500), timeout=DEADLINE_S)

    caller = threading.Thread(target=keep_busy)
    caller.start()
    yield
    done.set()
    caller.join()


def test_ten_thousand_rows_of_a_message_each(client):
    messages = (
        manage.ImportMerchantsRequest(rows=[manage.ImportRow(row_number=number, merchant=merchant(str(number), 50.0, 10.0))])
        for number in range(1, ROWS + 1)
    )
    response = client.merchants.ImportMerchants(messages, timeout=DEADLINE_S)
    assert [outcome.row_number for outcome in response.outcomes] == list(range(1, ROWS + 1))
    assert {outcome.state for outcome in response.outcomes} == {manage.IMPORT_STATE_CREATED}


def test_twenty_thousand_searches_of_a_message_each(client):
    one = query(50.0, 10.0, page_size=1)
    requests = (search.StreamSearchNearbyRequest(tag=tag, request=one) for tag in range(SEARCHES))
    responses = client.nearby.StreamSearchNearby(requests, timeout=DEADLINE_S)
    assert [response.tag for response in responses if response.HasField("response")] == list(range(SEARCHES))
