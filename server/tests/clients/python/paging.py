"""Iteration over all pages of a call."""

MAX_PAGES = 1_000


def pages(call, request):
    """Returns the responses to a request and to its copies with each next_page_token."""
    responses = []
    request = type(request).FromString(request.SerializeToString())
    while not responses or responses[-1].next_page_token:
        assert len(responses) < MAX_PAGES, "the pages do not end"
        responses.append(call(request))
        request.page_token = responses[-1].next_page_token
    return responses


def all_results(client, request):
    return [result for page in pages(client.nearby.SearchNearby, request) for result in page.results]
