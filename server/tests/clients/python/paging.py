"""Walks through all pages of a call."""

MOST_PAGES = 1_000


def pages(call, request):
    """The answers to a request and to the same with each next_page_token."""
    answers = []
    request = type(request).FromString(request.SerializeToString())
    while not answers or answers[-1].next_page_token:
        assert len(answers) < MOST_PAGES, "the pages do not end"
        answers.append(call(request))
        request.page_token = answers[-1].next_page_token
    return answers


def all_results(client, request):
    return [result for page in pages(client.nearby.SearchNearby, request) for result in page.results]
