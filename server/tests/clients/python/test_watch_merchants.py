"""WatchMerchants: replicating all merchants and resuming from a revision."""

import grpc
from google.rpc.error_details_pb2 import QuotaFailure, RetryInfo

from build import create, merchant
from nearby_server import NearbyServer
from paging import pages
from rpc_error import expect_error
from stubs import manage


class Replica:
    """All merchants by name, kept up to date by the procedure of the contract."""

    def __init__(self, client) -> None:
        self.merchants = {}
        for response in client.merchants.ExportMerchants(manage.ExportMerchantsRequest()):
            self.merchants |= {merchant.name: merchant for merchant in response.merchants}
            self.revision = response.revision

    def catch_up(self, client) -> None:
        """Watches from its revision until it has reached the revision at the start of the call."""
        now = _revision(client)
        watching = client.merchants.WatchMerchants(manage.WatchMerchantsRequest(revision=self.revision))
        for response in watching:
            for change in response.changes:
                assert self.revision < change.revision <= response.revision, "in order, without duplicates"
                self.revision = change.revision
                if change.WhichOneof("change") == "stored":
                    self.merchants[change.stored.name] = change.stored
                else:
                    # May be unknown: if it was created and deleted in between, the creation can be omitted.
                    self.merchants.pop(change.deleted_name, None)
            self.revision = response.revision
            if self.revision >= now:
                break
        watching.cancel()


def test_resumed_watch_misses_no_change(client):
    for name in ("stays", "changes", "goes"):
        client.merchants.CreateMerchant(create(name))
    replica = Replica(client)
    assert replica.merchants == _all(client) and len(replica.merchants) == 3
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name="merchants/goes"))
    for round_ in range(3):
        _change(client, round_)
        # `catch_up` asserts that no change is sent twice.
        replica.catch_up(client)
        assert replica.merchants == _all(client)
    # Without changes, the first message is still sent.
    replica.catch_up(client)
    assert replica.merchants == _all(client)


def test_changes_are_sent_as_they_are_committed(client):
    watching = client.merchants.WatchMerchants(manage.WatchMerchantsRequest())
    first = next(watching)
    assert (list(first.changes), first.revision) == ([], _revision(client))
    stored = client.merchants.CreateMerchant(create("live"))
    [change] = next(watching).changes
    assert (change.stored, change.revision) == (stored, _revision(client))
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=stored.name))
    [change] = next(watching).changes
    assert (change.deleted_name, change.revision) == (stored.name, _revision(client))
    watching.cancel()


def test_future_revision_is_rejected(client):
    ahead = manage.WatchMerchantsRequest(revision=_revision(client) + 1)
    error = expect_error(client.merchants.WatchMerchants, ahead)
    assert (error.code, error.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REVISION_IN_FUTURE")


def test_watch_resumes_after_a_restart(tmp_path):
    server = NearbyServer(tmp_path)
    with server:
        server.client.merchants.CreateMerchant(create("before"))
        replica = Replica(server.client)
        server.client.merchants.CreateMerchant(create("unseen"))
    with server:
        _change(server.client, 0)
        replica.catch_up(server.client)
        assert replica.merchants == _all(server.client) and len(replica.merchants) == 4


def test_watcher_limit_reports_its_quota(tmp_path):
    with NearbyServer(tmp_path, "--max-watchers", "1") as server:
        watching = server.client.merchants.WatchMerchants(manage.WatchMerchantsRequest())
        next(watching)
        error = expect_error(server.client.merchants.WatchMerchants, manage.WatchMerchantsRequest())
        assert (error.code, error.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS")
        [violation] = error.details[QuotaFailure].violations
        assert violation.subject == "nearby/watchers" and violation.description
        assert error.details[RetryInfo].retry_delay.ToNanoseconds() > 0
        watching.cancel()


def _change(client, round_: int) -> None:
    """Creates, changes and deletes merchants; leaves one more than before."""
    for name in (f"new {round_}", f"brief {round_}", "changes"):
        given = merchant(name, phone=str(round_))
        client.merchants.UpdateMerchant(manage.UpdateMerchantRequest(merchant=given, allow_missing=True))
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name=f"merchants/brief {round_}"))


def _revision(client) -> int:
    watching = client.merchants.WatchMerchants(manage.WatchMerchantsRequest())
    revision = next(watching).revision
    watching.cancel()
    return revision


def _all(client) -> dict:
    responses = pages(client.merchants.ListMerchants, manage.ListMerchantsRequest())
    return {merchant.name: merchant for page in responses for merchant in page.merchants}
