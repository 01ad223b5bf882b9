"""REDIS_URL, understood once for every process: redis-py and Celery each read less than the other, and other things.

Refused is what one of them would not understand, in one line that never holds a part of the URL: it has a password.
"""

import re
import ssl
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Any, Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

DEFAULT: Final = "redis://127.0.0.1:6379/0"
_SCHEMES: Final = {"redis", "rediss", "unix"}
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_TLS_OPTIONS: Final = {"ssl_cert_reqs", "ssl_check_hostname", *_FILES}
_CERT_REQS: Final = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_YES_OR_NO: Final = {"true": True, "1": True, "yes": True, "false": False, "0": False, "no": False}
_HOST_AND_PORT: Final = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._-]+)(?::([0-9]{1,5}))?")
_LONGEST_PATH: Final = 103  # of a socket, in bytes: 107 on Linux, 103 on macOS
_ENCODE: Final = "write special characters of a password percent-encoded (@ is %40, / is %2F, # is %23, ? is %3F)"


@dataclass(frozen=True)
class CeleryAddress:
    """The same Redis in Celery's spelling: broker, result backend, and its options for TLS."""

    broker: str
    backend: str
    tls: dict[str, Any] | None


@dataclass(frozen=True)
class _Address:
    scheme: str
    login: str  # "user:password@", percent-encoded, or empty
    place: str  # host:port, or the path of a socket, percent-encoded
    db: int
    tls: dict[str, Any]


def normalised(url: str) -> str:
    """The URL as redis-py understands it; `ValueError` says what is wrong with it."""
    address = _parsed(url)
    options: dict[str, Any] = {"db": address.db} if address.scheme == "unix" else {}
    for name, value in address.tls.items():
        names = {number: word for word, number in _CERT_REQS.items()}
        options[name] = names[value] if name == "ssl_cert_reqs" else value
    path = "" if address.scheme == "unix" else f"/{address.db}"
    query = f"?{urlencode(options)}" if options else ""
    return f"{address.scheme}://{address.login}{address.place}{path}{query}"


def for_celery(url: str) -> CeleryAddress:
    """The same for Celery, whose socket is spelt otherwise and whose backend does not read every option for TLS."""
    address = _parsed(url)
    if address.scheme == "unix":
        socket = f"socket://{address.login}{address.place}?virtual_host={address.db}"
        return CeleryAddress(f"redis+{socket}", socket, None)
    plain = f"{address.scheme}://{address.login}{address.place}/{address.db}"
    return CeleryAddress(plain, plain, address.tls or None)


def without_password(url: str) -> str:
    """Where it leads, for people."""
    address = _parsed(url)
    return unquote(address.place)


def place(url: str) -> str:
    """Which data it leads to, for people: `redis:6379 (database 0)`."""
    return f"{without_password(url)} (database {_parsed(url).db})"


def _parsed(url: str) -> _Address:
    scheme, separator, rest = url.partition("://")
    scheme = scheme.lower()
    if not separator or scheme not in _SCHEMES:
        raise ValueError("must begin with redis://, rediss:// or unix://")
    if "#" in rest:
        raise ValueError(f"holds a #; {_ENCODE}")
    head, _, query = rest.partition("?")
    authority, slash, path = head.partition("/")
    userinfo, _, server = authority.rpartition("@")
    options = _options(query, scheme)
    numbers = [options.pop("db", "")]
    if scheme == "unix":
        place = _socket(server, slash + path)
    else:
        place = _host_and_port(server)
        numbers.append(path.rstrip("/"))
    tls = _tls(options) if scheme == "rediss" else {}
    return _Address(scheme, _login(userinfo), place, _database(numbers), tls)


def _login(userinfo: str) -> str:
    user, _, password = (unquote(part) for part in userinfo.partition(":"))
    if any(not character.isprintable() for character in user + password):
        raise ValueError("has a user or password with a control character in it")
    if user and not password:
        raise ValueError("names a user without a password; a password alone is written redis://:password@host")
    return f"{quote(user, safe='')}:{quote(password, safe='')}@" if password else ""


def _host_and_port(server: str) -> str:
    found = _HOST_AND_PORT.fullmatch(server)
    if not found:
        raise ValueError(f"must name a host, and its port as a number: redis://:password@host:6379/0; {_ENCODE}")
    host, port = found[1], int(found[2] or 6379)
    if host.startswith("["):
        try:
            IPv6Address(host[1:-1])
        except ValueError:
            raise ValueError("has no IPv6 address between its [ ]") from None
    if not 1 <= port <= 65_535:
        raise ValueError("must have a port from 1 to 65535")
    return f"{host}:{port}"


def _socket(server: str, path: str) -> str:
    path = unquote(path)
    if server or len(path) < 2 or path.endswith("/"):
        raise ValueError(f"must name a socket by its absolute path: unix:///run/redis.sock?db=0; {_ENCODE}")
    if len(path.encode()) > _LONGEST_PATH or not path.isprintable():
        raise ValueError(f"names a socket whose path is longer than {_LONGEST_PATH} bytes or not printable")
    return quote(path)


def _database(numbers: list[str]) -> int:
    named = [number for number in numbers if number]
    if len(named) > 1:
        raise ValueError("names its database twice, in its path and as db=")
    if named and not re.fullmatch("[0-9]{1,4}", named[0]):
        raise ValueError(f"must name its database by a number, as in redis://host:6379/0; {_ENCODE}")
    return int(named[0]) if named else 0


def _options(query: str, scheme: str) -> dict[str, str]:
    known = {"db"} | (_TLS_OPTIONS if scheme == "rediss" else set())
    options: dict[str, str] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name in _TLS_OPTIONS - known:
            raise ValueError(f"has the option {name}, which needs rediss://")
        if name not in known:
            raise ValueError(f"has an option after its ? that is none of {', '.join(sorted(known))}; {_ENCODE}")
        if name in options or not value:
            raise ValueError(f"has the option {name} twice, or without a value")
        options[name] = value
    return options


def _tls(options: dict[str, str]) -> dict[str, Any]:
    words = options.get("ssl_cert_reqs", "required")
    verify = _CERT_REQS.get(words.lower().removeprefix("cert_"))
    if verify is None:
        raise ValueError(
            "must have ssl_cert_reqs=none, optional or required (or CERT_NONE, CERT_OPTIONAL, CERT_REQUIRED)"
        )
    tls: dict[str, Any] = {"ssl_cert_reqs": verify}
    if "ssl_check_hostname" in options:
        check = _YES_OR_NO.get(options["ssl_check_hostname"].lower())
        if check is None:
            raise ValueError("must have ssl_check_hostname=true or false")
        tls["ssl_check_hostname"] = check
    files: dict[str, str] = {name: options[name] for name in _FILES if name in options}
    _require_readable(files)
    return tls | files


def _require_readable(files: dict[str, str]) -> None:
    """Now: a worker would say so with every attempt to connect, and an api would call it a Redis that is away."""
    context = ssl.create_default_context()
    if "ssl_keyfile" in files and "ssl_certfile" not in files:
        raise ValueError("has ssl_keyfile without ssl_certfile")
    try:
        if "ssl_ca_certs" in files:
            context.load_verify_locations(cafile=files["ssl_ca_certs"])
    except OSError as error:
        raise ValueError(f"has an ssl_ca_certs that is no readable file of certificates ({error.strerror})") from None
    try:
        if "ssl_certfile" in files:
            context.load_cert_chain(files["ssl_certfile"], files.get("ssl_keyfile"), password=lambda: "")
    except OSError as error:
        raise ValueError(
            f"has no readable certificate with its key in ssl_certfile and ssl_keyfile ({error.strerror})"
        ) from None
