"""WatchMerchants: a caller that keeps a copy of all merchants, and never starts anew without need."""

import grpc
from google.rpc.error_details_pb2 import QuotaFailure, RetryInfo

from build import create, merchant
from nearby_server import NearbyServer
from paging import pages
from rpc_error import refused
from stubs import manage


class Copy:
    """All merchants by name, kept up to date as the contract says."""

    def __init__(self, client) -> None:
        self.merchants = {}
        for answer in client.merchants.ExportMerchants(manage.ExportMerchantsRequest()):
            self.merchants |= {merchant.name: merchant for merchant in answer.merchants}
            self.revision = answer.revision

    def catch_up(self, client) -> None:
        """Watches from where it is until it has seen all that was there when it began."""
        now = _revision(client)
        watching = client.merchants.WatchMerchants(manage.WatchMerchantsRequest(revision=self.revision))
        for answer in watching:
            for change in answer.changes:
                assert self.revision < change.revision <= answer.revision, "in their order, and none twice"
                self.revision = change.revision
                if change.WhichOneof("change") == "stored":
                    self.merchants[change.stored.name] = change.stored
                else:
                    # It may have come and gone in between: earlier changes of a merchant may be left out.
                    self.merchants.pop(change.deleted_name, None)
            self.revision = answer.revision
            if self.revision >= now:
                break
        watching.cancel()


def test_a_copy_that_went_away_misses_nothing(client):
    for name in ("stays", "changes", "goes"):
        client.merchants.CreateMerchant(create(name))
    copy = Copy(client)
    assert copy.merchants == _all(client) and len(copy.merchants) == 3
    client.merchants.DeleteMerchant(manage.DeleteMerchantRequest(name="merchants/goes"))
    for round_ in range(3):
        _change(client, round_)
        # What the copy already has is not sent again: `catch_up` would object.
        copy.catch_up(client)
        assert copy.merchants == _all(client)
    # Nothing has changed: the first message comes all the same, and says so.
    copy.catch_up(client)
    assert copy.merchants == _all(client)


def test_changes_come_while_they_are_made(client):
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


def test_a_revision_that_never_was_is_refused(client):
    ahead = manage.WatchMerchantsRequest(revision=_revision(client) + 1)
    refusal = refused(client.merchants.WatchMerchants, ahead)
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.OUT_OF_RANGE, "REVISION_IN_FUTURE")


def test_a_copy_goes_on_after_a_restart(tmp_path):
    server = NearbyServer(tmp_path)
    with server:
        server.client.merchants.CreateMerchant(create("before"))
        copy = Copy(server.client)
        server.client.merchants.CreateMerchant(create("unseen"))
    with server:
        _change(server.client, 0)
        copy.catch_up(server.client)
        assert copy.merchants == _all(server.client) and len(copy.merchants) == 4


def test_one_more_watcher_than_the_server_takes_is_told_which_quota(tmp_path):
    with NearbyServer(tmp_path, "--max-watchers", "1") as server:
        watching = server.client.merchants.WatchMerchants(manage.WatchMerchantsRequest())
        next(watching)
        refusal = refused(server.client.merchants.WatchMerchants, manage.WatchMerchantsRequest())
        assert (refusal.code, refusal.reason) == (grpc.StatusCode.RESOURCE_EXHAUSTED, "TOO_MANY_WATCHERS")
        [violation] = refusal.details[QuotaFailure].violations
        assert violation.subject == "nearby/watchers" and violation.description
        assert refusal.details[RetryInfo].retry_delay.ToNanoseconds() > 0
        watching.cancel()


def _change(client, round_: int) -> None:
    """Stores, changes and deletes; leaves one merchant more than there were."""
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
    answers = pages(client.merchants.ListMerchants, manage.ListMerchantsRequest())
    return {merchant.name: merchant for page in answers for merchant in page.merchants}
