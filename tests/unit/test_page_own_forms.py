"""A form that asks for a change is taken from the page itself alone, whatever other sites make a browser send."""

import pytest

from monitor.page.refusal import Refused
from monitor.page.tasks import own_forms

TOKEN = "t" * 32
HOST = {"host": "tasks.example:8080"}
COOKIES = {own_forms.COOKIE: TOKEN}
OWN = {"origin": "http://tasks.example:8080"}


@pytest.mark.parametrize(
    "headers",
    [OWN, {"sec-fetch-site": "same-origin"}, OWN | {"sec-fetch-site": "same-origin"},
     {"origin": "https://TASKS.example:8080"}],
)  # fmt: skip
def test_a_form_of_the_page_is_taken(headers: dict[str, str]):
    own_forms.require_own(HOST | headers, COOKIES, TOKEN)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"origin": ""},
        {"origin": "null"},
        {"origin": "http://evil.example"},
        {"origin": "http://evil.example:8080"},
        {"origin": "http://tasks.example"},
        {"origin": "http://tasks.example:8080.evil.example"},
        {"origin": "http://[::1"},
        {"referer": "http://tasks.example:8080/tasks"},
        *({"sec-fetch-site": site} | OWN for site in ("cross-site", "same-site", "none", "")),
    ],
)
def test_a_form_of_another_site_is_refused_even_with_the_right_token(headers: dict[str, str]):
    with pytest.raises(Refused) as refused:
        own_forms.require_own(HOST | headers, COOKIES, TOKEN)
    assert (refused.value.status, refused.value.code) == (403, "CROSS_SITE_REQUEST")


def test_no_host_is_no_site():
    with pytest.raises(Refused):
        own_forms.require_own({"origin": ""}, COOKIES, TOKEN)


@pytest.mark.parametrize(
    ("cookies", "token"),
    [({}, TOKEN), (COOKIES, ""), (COOKIES, "u" * 32), ({own_forms.COOKIE: ""}, ""), ({own_forms.COOKIE: "x"}, "x"),
     ({own_forms.COOKIE: "ü" * 32}, TOKEN)],
)  # fmt: skip
def test_a_form_without_this_browsers_token_is_refused(cookies: dict[str, str], token: str):
    with pytest.raises(Refused, match="Load the page again") as refused:
        own_forms.require_own(HOST | OWN, cookies, token)
    assert (refused.value.status, refused.value.code) == (403, "FORM_OUTDATED")


def test_a_browser_keeps_its_token_and_each_new_one_gets_another():
    assert own_forms.token_of(COOKIES) == TOKEN
    made = {
        own_forms.token_of(cookies) for cookies in ({}, {own_forms.COOKIE: "'; drop"}, {own_forms.COOKIE: TOKEN * 2})
    }
    assert len(made) == 3
    for token in made:
        own_forms.require_own(HOST | OWN, {own_forms.COOKIE: token}, token)
        assert own_forms.cookie(token)["Set-Cookie"].endswith("HttpOnly; SameSite=Lax")
