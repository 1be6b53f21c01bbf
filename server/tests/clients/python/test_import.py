"""ImportMerchants: a stream of rows, each with an outcome of its own."""

import grpc
import pytest

from build import merchant, position, query, rows
from rpc_error import refused
from stubs import manage, merchants

CREATED, UPDATED, REJECTED = manage.IMPORT_STATE_CREATED, manage.IMPORT_STATE_UPDATED, manage.IMPORT_STATE_REJECTED


def test_each_row_has_its_own_outcome(client):
    given = [
        merchant("good", 50.0, 50.0),
        merchant("no-datum", position=merchants.Position(latitude=50.0, longitude=50.0)),
        merchant("null-island", 0.0, 0.0),
    ]
    answer = client.merchants.ImportMerchants(iter([rows(given)]))
    assert [outcome.row_number for outcome in answer.outcomes] == [1, 2, 3]
    assert [outcome.state for outcome in answer.outcomes] == [CREATED, REJECTED, REJECTED]
    assert _violations(answer.outcomes[0]) == []
    assert _violations(answer.outcomes[1]) == [("position.coordinate_system", "COORDINATE_SYSTEM_UNSPECIFIED")]
    assert _violations(answer.outcomes[2]) == [("position", "NULL_ISLAND")]
    assert all(violation.description for outcome in answer.outcomes for violation in outcome.violations)
    found = client.nearby.SearchNearby(query(50.0, 50.0))
    assert [result.merchant.name for result in found.results] == ["merchants/good"]
    assert found.revision >= answer.revision > 0
    for name in ("merchants/no-datum", "merchants/null-island"):
        refusal = refused(client.merchants.GetMerchant, manage.GetMerchantRequest(name=name))
        assert refusal.code == grpc.StatusCode.NOT_FOUND


def test_null_island_is_stored_where_the_caller_insists(client):
    answer = client.merchants.ImportMerchants(iter([rows([merchant("buoy", 0.0, 0.0)], allow_null_island=True)]))
    assert [outcome.state for outcome in answer.outcomes] == [CREATED]
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name="merchants/buoy")).position == position(0.0, 0.0)


def test_all_violations_of_a_row_are_told_by_its_own_paths(client):
    bad = merchant("bad", 91.0, display_name="", visibility=99, phone="1" * 129)
    outcome = client.merchants.ImportMerchants(iter([rows([bad])])).outcomes[0]
    fields = {field for field, _ in _violations(outcome)}
    assert fields == {"position.latitude", "display_name", "visibility", "phone"}


@pytest.mark.parametrize("name", ["", "merchants/", "good", "merchants/a/b"])
def test_a_row_without_a_usable_name_is_rejected(client, name):
    bad = merchant("x")
    bad.name = name
    outcome = client.merchants.ImportMerchants(iter([rows([bad])])).outcomes[0]
    assert outcome.state == REJECTED and [field for field, _ in _violations(outcome)] == ["name"]


def test_many_messages_are_one_import_and_the_last_row_of_a_name_wins(client):
    messages = [rows([merchant("same", phone=str(number)), merchant(f"other-{number}")]) for number in range(5)]
    answer = client.merchants.ImportMerchants(iter(messages))
    states = [outcome.state for outcome in answer.outcomes]
    assert states == [CREATED, CREATED] + [UPDATED, CREATED] * 4
    assert client.merchants.GetMerchant(manage.GetMerchantRequest(name="merchants/same")).phone == "4"


def test_a_row_replaces_the_whole_merchant_whatever_its_etag(client):
    client.merchants.ImportMerchants(iter([rows([merchant("replaced", phone="1", brand="Old")])]))
    row = merchant("replaced", phone="2", etag="not the current one")
    outcome = client.merchants.ImportMerchants(iter([rows([row])])).outcomes[0]
    assert outcome.state == UPDATED
    stored = client.merchants.GetMerchant(manage.GetMerchantRequest(name=row.name))
    assert (stored.phone, stored.brand) == ("2", "")


def test_an_import_of_nothing_stores_nothing(client):
    answer = client.merchants.ImportMerchants(iter([]))
    assert (list(answer.outcomes), answer.revision) == ([], 0)


def test_a_message_of_more_than_1000_rows_is_refused(client):
    message = rows(merchant(f"many-{number}") for number in range(1_001))
    refusal = refused(client.merchants.ImportMerchants, iter([message]))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["rows"])


def test_a_call_of_more_than_10000_rows_is_refused(client):
    message = rows([merchant("over and over")] * 1_000)
    at_most = client.merchants.ImportMerchants(iter([message] * 10))
    assert len(at_most.outcomes) == 10_000
    refusal = refused(client.merchants.ImportMerchants, iter([message] * 10 + [rows([merchant("one more")])]))
    assert (refusal.code, refusal.fields) == (grpc.StatusCode.INVALID_ARGUMENT, ["rows"])


def _violations(outcome) -> list:
    return [(violation.field, violation.reason) for violation in outcome.violations]
