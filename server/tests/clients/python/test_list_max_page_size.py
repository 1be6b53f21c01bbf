"""Maximum page size of ListMerchants. A separate module, and so a separate server, because it stores many merchants."""

from build import merchant, rows
from stubs import manage


def test_page_size_above_the_maximum_is_clamped(client):
    client.merchants.ImportMerchants(rows(merchant(f"{first + n}") for n in range(501)) for first in (1_000, 2_000))
    page = client.merchants.ListMerchants(manage.ListMerchantsRequest(page_size=2**31 - 1))
    assert len(page.merchants) == 1_000
    request = manage.ListMerchantsRequest(page_size=2**31 - 1, page_token=page.next_page_token)
    assert len(client.merchants.ListMerchants(request).merchants) == 2
