"""REDIS_URL means the same to redis-py and to Celery, or it is refused in a line that tells nobody the password."""

import ssl
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import quote

import pytest
from celery import Celery
from kombu import Connection
from kombu.transport.redis import Channel
from redis.connection import parse_url

from throughline import redis_url
from worker.results import RecordingBackend

PASSWORDS = ["a[b", "[", "]", "a@b", "a:b", "a/b", "a%b", "%41", "a#b", "a?b", 'a"b', "a b", "a;b", "ü€", "a+b"]


def read_by_all(url: str) -> list[dict[str, object]]:
    """What redis-py, Celery's broker and Celery's result backend make of it."""
    celery = redis_url.for_celery(redis_url.normalised(url))
    app = Celery(broker=celery.broker, broker_use_ssl=celery.tls, redis_backend_use_ssl=celery.tls)
    channel = Channel.__new__(Channel)  # one that does not connect
    channel.connection = SimpleNamespace(client=Connection(celery.broker, ssl=celery.tls), default_port=6379)
    broker = channel._connparams()
    backend = RecordingBackend(app=app, url=celery.backend).connparams
    wanted = ("host", "port", "path", "username", "password", "db", "ssl_cert_reqs", "ssl_check_hostname")
    return [
        {name: kwargs[name] for name in wanted if kwargs.get(name) is not None}
        for kwargs in (parse_url(redis_url.normalised(url)), broker, backend)
    ]


def agreed(url: str) -> dict[str, object]:
    """What all of them make of it, in one spelling."""
    seen = read_by_all(url)
    for each in seen:
        each.setdefault("db", 0)
        if isinstance(words := each.get("ssl_cert_reqs"), str):
            each["ssl_cert_reqs"] = ssl.VerifyMode[f"CERT_{words.upper()}"]
    assert seen[0] == seen[1] == seen[2]
    return seen[0]


@pytest.mark.parametrize("password", PASSWORDS)
@pytest.mark.parametrize("form", ["redis://:{}@redis:6379/0", "unix://:{}@/run/redis.sock", "rediss://:{}@redis/2"])
def test_an_encoded_password_reaches_everyone(form, password):
    assert agreed(form.format(quote(password, safe="")))["password"] == password


@pytest.mark.parametrize("password", ["a[b", "]", "a@b", "a:b", "a%b", 'a"b', "a b", "a;b", "ü€"])
def test_a_password_may_hold_what_does_not_end_it(password):
    assert agreed(f"redis://:{password}@redis:6379/0") == {
        "host": "redis",
        "port": 6379,
        "password": password,
        "db": 0,
    }


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://redis", {"host": "redis", "port": 6379, "db": 0}),
        ("REDIS://redis/", {"host": "redis", "port": 6379, "db": 0}),
        ("redis://10.0.0.7:7000/3", {"host": "10.0.0.7", "port": 7000, "db": 3}),
        ("redis://[::1]:7000/3", {"host": "::1", "port": 7000, "db": 3}),
        ("redis://[::1]?db=4", {"host": "::1", "port": 6379, "db": 4}),
        ("redis://:@redis/1", {"host": "redis", "port": 6379, "db": 1}),
        ("redis://jane:pw@redis/1", {"host": "redis", "port": 6379, "db": 1, "username": "jane", "password": "pw"}),
        ("unix:///run/redis.sock", {"path": "/run/redis.sock", "db": 0}),
        ("unix:///run/a%20b@c.sock?db=5", {"path": "/run/a b@c.sock", "db": 5}),
        ("unix://jane:pw@/r.sock", {"path": "/r.sock", "db": 0, "username": "jane", "password": "pw"}),
    ],
)
def test_a_place_is_the_same_for_everyone(url, place):
    assert agreed(url) == place


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        ("", ssl.CERT_REQUIRED),
        ("?ssl_cert_reqs=none", ssl.CERT_NONE),
        ("?ssl_cert_reqs=CERT_NONE", ssl.CERT_NONE),
        ("?ssl_cert_reqs=optional", ssl.CERT_OPTIONAL),
        ("?ssl_cert_reqs=CERT_OPTIONAL", ssl.CERT_OPTIONAL),
        ("?ssl_cert_reqs=required", ssl.CERT_REQUIRED),
        ("?ssl_cert_reqs=CERT_REQUIRED", ssl.CERT_REQUIRED),
    ],
)
def test_certificates_are_checked_as_asked_in_either_spelling(words, mode):
    assert agreed(f"rediss://redis:7000/1{words}") == {"host": "redis", "port": 7000, "db": 1, "ssl_cert_reqs": mode}


@pytest.mark.parametrize(("word", "checks"), [("true", True), ("False", False), ("0", False)])
def test_host_names_of_certificates_are_checked_as_asked(word, checks):
    assert agreed(f"rediss://redis?ssl_check_hostname={word}")["ssl_check_hostname"] is checks


@pytest.mark.parametrize(
    "url",
    [
        "",
        "redis",
        "redis:secret",
        "http://:secret@redis:6379/0",
        "sentinel://:secret@redis:26379/0",
        "redis+socket:///run/redis.sock",
        "redis://",
        "redis:///0",
        "redis://:secret@:6379/0",
        "redis://:secret@redis:0/0",
        "redis://:secret@redis:65536/0",
        "redis://:secret@redis:many/0",
        "redis://:secret@redis:/0",
        "redis://:secret@redis:6379/zero",
        "redis://:secret@redis:6379/-1",
        "redis://:secret@redis:6379/0/1",
        "redis://:secret@redis:6379/0?db=1",
        "redis://:secret@redis:6379?db=one",
        "redis://:secret@redis:6379/0?secret=1",
        "redis://:secret@redis:6379/0?ssl_cert_reqs=none",
        "redis://:secret@redis:6379/0#secret",
        "redis://:sec/secret@redis:6379/0",
        "redis://:sec?secret@redis:6379/0",
        "redis://:sec#secret@redis:6379/0",
        "redis://secret@redis:6379/0",
        "redis://:secret%0A@redis:6379/0",
        "redis://:secret@re dis:6379/0",
        "redis://:secret@[::1:6379/0",
        "redis://:secret@[1:2]:6379/0",
        "redis://:secret@[::1]x/0",
        "rediss://:secret@redis?ssl_cert_reqs=maybe",
        "rediss://:secret@redis?ssl_cert_reqs=none&ssl_cert_reqs=required",
        "rediss://:secret@redis?ssl_check_hostname=secret",
        "rediss://:secret@redis?ssl_ca_certs=/no/secret.pem",
        "rediss://:secret@redis?ssl_ca_certs=",
        "rediss://:secret@redis?ssl_keyfile=/no/secret.pem",
        "rediss://:secret@redis?ssl_certfile=/no/secret.pem",
        "unix://",
        "unix:///",
        "unix://run/secret.sock",
        "unix:///run/secret/",
        "unix:///run/secret.sock?virtual_host=1",
        "unix:///" + "secret" * 20,
    ],
)
def test_what_somebody_would_not_understand_is_refused_in_one_line_without_the_password(url):
    with pytest.raises(ValueError, match=r"^(must|has|holds|names) ") as refused:
        redis_url.normalised(url)

    assert "\n" not in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_file_that_holds_no_certificate_is_refused(tmp_path: Path):
    file = tmp_path / "ca.pem"
    file.write_text("no certificate")

    with pytest.raises(ValueError, match="ssl_ca_certs"):
        redis_url.normalised(f"rediss://redis?ssl_ca_certs={file}")


def test_what_is_normal_stays_as_it_is():
    for url in ("redis://:p%40@redis:6379/0", "rediss://redis:6379/0?ssl_cert_reqs=none", "unix:///r.sock?db=1"):
        assert redis_url.normalised(url) == url


def test_people_are_told_where_it_is_without_the_password():
    told = [redis_url.without_password(f"{url}") for url in ("redis://:secret@redis/0", "unix://:secret@/r.sock")]
    assert told == ["redis:6379", "/r.sock"]
    assert redis_url.place("unix://:secret@/r.sock?db=3") == "/r.sock (database 3)"
