"""ImportMerchants: a stream of rows with an outcome each."""

import grpc
import pytest

from build import merchant, position, query, rows
from rpc_error import expect_error
from stubs import manage, merchants

CREATED, UPDATED, REJECTED = manage.IMPORT_STATE_CREATED, manage.IMPORT_STATE_UPDATED, manage.IMPORT_STATE_REJECTED


def test_import_reports_an_outcome_per_row(client):
    given = [
        merchant("good", 50.0, 50.0),
        merchant("no-datum", position=merchants.Position(latitude=50.0, longitude=50.0)),
        merchant("null-island", 0.0, 0.0),
    ]
    response = client.merchants.ImportMerchants(iter([rows(given)]))
    assert [outcome.row_number for outcome in response.outcomes] == [1, 2, 3]
    assert [outcome.state for outcome in response.outcomes] == [CREATED, REJECTED, REJECTED]
    assert _violations(response.outcomes[0]) == []
    assert _violations(response.outcomes[1]) == [("position.coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED")]
    assert _violations(response.outcomes[2]) == [("position", "NULL_ISLAND")]
    assert all(violation.description for outcome in response.outcomes for violation in outcome.violations)
    found = client.nearby.SearchNearby(query(50.0, 50.0))
    assert [result.merchant.name for result in found.results] == ["merchants/good"]
    assert found.revision >= response.revision > 0
    for name in ("merchants/no-datum", "merchants/null-island"):
        error = expect_error(client.merchants.GetMerchant, manage.GetMerchantRequest(name=name))
        assert error.code == grpc.StatusCode.NOT_FOUND


def test_allow_null_island_stores_the_row(client):
    response = client.merchants.ImportMerchants(iter([rows([merchant("buoy", 0.0, 0.0)], allow_null_island=True)]))
    assert [outcome.state for outcome in response.outcomes] == [CREATED]
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name="merchants/buoy")).position == position(0.0, 0.0)


def test_all_violations_of_a_row_have_paths_within_the_merchant(client):
    bad = merchant("bad", 91.0, display_name="", visibility=99, phone="1" * 129)
    outcome = client.merchants.ImportMerchants(iter([rows([bad])])).outcomes[0]
    fields = {field for field, _ in _violations(outcome)}
    assert fields == {"position.latitude", "display_name", "visibility", "phone"}


@pytest.mark.parametrize("name", ["", "merchants/", "good", "merchants/a/b"])
def test_row_without_a_valid_name_is_rejected(client, name):
    bad = merchant("x")
    bad.name = name
    outcome = client.merchants.ImportMerchants(iter([rows([bad])])).outcomes[0]
    assert outcome.state == REJECTED and [field for field, _ in _violations(outcome)] == ["name"]


def test_last_row_of_a_name_wins_across_messages(client):
    messages = [rows([merchant("same", phone=str(number)), merchant(f"other-{number}")]) for number in range(5)]
    response = client.merchants.ImportMerchants(iter(messages))
    states = [outcome.state for outcome in response.outcomes]
    assert states == [CREATED, CREATED] + [UPDATED, CREATED] * 4
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name="merchants/same")).phone == "4"


def test_row_replaces_the_whole_merchant_and_ignores_the_etag(client):
    client.merchants.ImportMerchants(iter([rows([merchant("replaced", phone="1", brand="Old")])]))
    row = merchant("replaced", phone="2", etag="not the current one")
    outcome = client.merchants.ImportMerchants(iter([rows([row])])).outcomes[0]
    assert outcome.state == UPDATED
    stored = client.merchants.GetMerchant(manage.GetMerchantRequest(name=row.name))
    assert (stored.phone, stored.brand) == ("2", "")


def test_empty_import_stores_nothing(client):
    response = client.merchants.ImportMerchants(iter([]))
    assert (list(response.outcomes), response.revision) == ([], 0)


def test_message_of_more_than_1000_rows_is_rejected(client):
    message = rows(merchant(f"many-{number}") for number in range(1_001))
    error = expect_error(client.merchants.ImportMerchants, iter([message]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["rows"])


def test_call_of_more_than_10000_rows_is_rejected(client):
    message = rows([merchant("over and over")] * 1_000)
    largest = client.merchants.ImportMerchants(iter([message] * 10))
    assert len(largest.outcomes) == 10_000
    error = expect_error(client.merchants.ImportMerchants, iter([message] * 10 + [rows([merchant("one more")])]))
    assert (error.code, error.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["rows"])


def _violations(outcome) -> list:
    return [(violation.field, violation.reason) for violation in outcome.violations]
