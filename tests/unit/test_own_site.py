"""Which requests of browsers are this service's own."""

import pytest

from throughline import own_site
from throughline.own_site import Sender

HOST = {"host": "tasks.example:8080"}


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, Sender.NO_PAGE),
        ({"referer": "http://evil.example/"}, Sender.NO_PAGE),
        ({"sec-fetch-site": "none"}, Sender.NO_PAGE),
        ({"sec-fetch-site": "same-origin"}, Sender.OWN_PAGE),
        ({"sec-fetch-site": "same-origin", "origin": "null"}, Sender.OWN_PAGE),  # a form, under no-referrer
        ({"origin": "http://tasks.example:8080"}, Sender.OWN_PAGE),
        ({"origin": "https://Tasks.Example:8080"}, Sender.OWN_PAGE),
        *(({"origin": each}, Sender.OTHER_SITE) for each in ("null", "", "http://evil.example", "http://[bad", "x")),
        ({"origin": "http://tasks.example"}, Sender.OTHER_SITE),
        ({"origin": "http://tasks.example:8081"}, Sender.OTHER_SITE),
        *(({"sec-fetch-site": each}, Sender.OTHER_SITE) for each in ("cross-site", "same-site", "", "None", "new")),
        ({"sec-fetch-site": "same-site", "origin": "http://tasks.example:8080"}, Sender.OTHER_SITE),
        ({"sec-fetch-site": "none", "origin": "http://evil.example"}, Sender.OTHER_SITE),
    ],
)
def test_a_browser_says_whose_page_sends_it(headers: dict[str, str], expected: Sender):
    assert own_site.sender(HOST | headers) is expected


def test_no_host_is_no_site():
    assert own_site.sender({"origin": ""}) is Sender.OTHER_SITE


LOOPBACK = ("127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1")
OWN = ("localhost", "LOCALHOST:8080", "localhost.", "127.0.0.1", "127.0.0.1:18080", "[::1]", "[::1]:80", "")
OTHERS = ("evil.example", "evil.example:8080", "localhost.evil.example", "127.0.0.1.nip.io", "127.0.0.2", "::1", "0")
ODD = ("localhost:80:90", "localhost@evil.example", "localhost evil", "[::1", "[::2]:80", "localhost:x", "\xfc")


@pytest.mark.parametrize("address", LOOPBACK)
def test_on_the_loopback_device_it_is_found_under_loopback_names_alone(address: str):
    assert [host for host in OWN if not own_site.is_served(host, address)] == []
    assert [host for host in (*OTHERS, *ODD) if own_site.is_served(host, address)] == []


@pytest.mark.parametrize("address", ["10.0.0.7", "172.18.0.5", "2001:db8::5", "fe80::1%eth0", "/run/api.sock", None])
def test_on_any_other_address_it_is_found_under_whatever_name_leads_there(address: str | None):
    assert all(own_site.is_served(host, address) for host in (*OWN, *OTHERS))


def test_names_of_a_proxy_on_the_same_machine_can_be_given():
    allowed = own_site.names("tasks.example, Other.Example.,,")
    assert own_site.is_served("TASKS.example:443", "127.0.0.1", allowed)
    assert own_site.is_served("other.example", "127.0.0.1", allowed)
    assert own_site.is_served("localhost", "127.0.0.1", allowed)
    assert not own_site.is_served("x.tasks.example", "127.0.0.1", allowed)
    assert own_site.is_served("evil.example", "127.0.0.1", own_site.names("*"))
