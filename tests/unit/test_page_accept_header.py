"""Which representation a request gets."""

import pytest

from monitor.page.accept_header import wants_json


@pytest.mark.parametrize(
    ("accept", "json"),
    [
        ("", False),
        ("*/*", False),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", False),
        ("application/json", True),
        ("application/problem+json", True),
        ("application/*", True),
        ("APPLICATION/JSON; charset=utf-8", True),
        ("application/json, */*", True),
        ("application/json, text/html", False),
        ("application/json;q=0.9, text/html;q=0.8", True),
        ("application/json;q=0.8, text/html;q=0.9", False),
        ("application/json;q=0, */*", False),
        ("application/json;q=lots", False),
        (";;,,q=1", False),
    ],
)
def test_json_is_for_those_who_prefer_it_by_name(accept: str, json: bool):
    assert wants_json(accept) is json
