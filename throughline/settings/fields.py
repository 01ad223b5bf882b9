"""The settings that more than one process reads, each declared once."""

import re
import ssl
from pathlib import Path
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, FilePath

from throughline import history_url, redis_url
from throughline.build_version import build_version


def _web_address(url: str) -> str:
    # It is written into links: whatever could end the link early, or lead it elsewhere, is refused.
    if url and not re.fullmatch(r"https?://[A-Za-z0-9._\-\[\]:]+(/[A-Za-z0-9._~/-]*)?", url):
        raise ValueError("must be an address that begins with http:// or https://, without query, quotes or blanks")
    return url.rstrip("/")


def _server_address(url: str) -> str:
    try:
        parts = urlsplit(url)
        complete = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:  # no number between 0 and 65535 as port, or a single [
        complete = False
    if url and (not complete or parts.query or parts.fragment or not url.isprintable() or " " in url):
        raise ValueError("must be an address such as http://127.0.0.1:9200, without query")
    return url.rstrip("/")


def _node_name(name: str) -> str:
    # It names a file of spans, and is one word among others in Redis.
    if not re.fullmatch(r"[A-Za-z0-9._:@-]{0,128}", name):
        raise ValueError("must have at most 128 letters, digits, dots, underscores, colons, hyphens or @")
    return name


def _service_version(tag: str) -> str:
    # NGINX's configuration holds it between quotes, and so does each line that NGINX writes.
    tag = tag or build_version()
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+-]{0,127}", tag):
        raise ValueError("must be like an image's tag: at most 128 letters, digits, and . _ + - after the first")
    return tag


def _certificates(file: Path) -> Path:
    try:
        ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise ValueError(f"{file} must hold a certificate in PEM") from None
    return file


def _nginx_secret(text: str) -> str:
    # NGINX's configuration holds it between quotes, and so does supervisor's.
    if not re.fullmatch(r"[A-Za-z0-9_-]*", text):
        raise ValueError("must have letters, digits, hyphens and underscores alone")
    return text


NginxSecret = Annotated[str, AfterValidator(_nginx_secret)]
CertificateFile = Annotated[FilePath, AfterValidator(_certificates)]
NodeName = Annotated[str, AfterValidator(_node_name)]
ServerAddress = Annotated[str, AfterValidator(_server_address)]
ServiceVersion = Annotated[str, AfterValidator(_service_version)]
HistoryUrl = Annotated[str, AfterValidator(history_url.checked)]
RedisUrl = Annotated[str, AfterValidator(redis_url.normalised)]
WebAddress = Annotated[str, AfterValidator(_web_address)]

# Ten years. Redis refuses an expiry that it cannot count to, with each task and not when a process starts.
LONGEST_SECONDS: Final = 315_360_000

SERVICE_VERSION: Final = Field(
    "",
    validate_default=True,
    description="Which version this is, such as the image's tag: `service.version` of log lines, spans and metrics; "
    "default: that of the build, which is the package's and, in a git checkout, the commit: `0.1.0+g1a2b3c4`.",
)
REDIS_TIMEOUT_SECONDS: Final = Field(
    0.5, gt=0, le=10, description="Longest wait of the api and the monitor for one answer from Redis."
)
CIRCUIT_MAX_DEPTH: Final = Field(
    500, ge=1, le=1_000_000_000, description="Waiting tasks at which the circuit breaker opens."
)
CIRCUIT_CLOSE_DEPTH: Final = Field(
    400, ge=0, description="Waiting tasks at or below which a half-open circuit breaker closes."
)
CIRCUIT_OPEN_SECONDS: Final = Field(60, gt=0, le=600, description="First wait of an open circuit breaker.")
MEMORY_ADMISSION_PERCENT: Final = Field(
    80,
    gt=0,
    le=99,
    description="Share of Redis's `maxmemory` up to which new tasks are taken; the rest is for finishing them.",
)
IDEMPOTENCY_TTL_SECONDS: Final = Field(
    300, ge=1, le=LONGEST_SECONDS, description="How long an `Idempotency-Key` is remembered."
)
RESULT_TTL_SECONDS: Final = Field(
    604_800,
    ge=60,
    le=LONGEST_SECONDS,
    description="How long task records and results are kept; longer than an `Idempotency-Key`.",
)
API_KEYS_FILE: Final = Field(
    None, description="File of API keys, a line `name scope,scope sha256` each; without it, no key is asked for."
)
RATE_LIMIT_PER_SECOND: Final = Field(
    1000, ge=1, description="Requests a second that are let through for one API key or address in the long run."
)
RATE_LIMIT_BURST: Final = Field(2000, ge=1, description="Requests beyond that which are let through at once.")
NGINX_SECRET: Final = Field(
    "",
    description="What NGINX proves itself with to api and monitor, which believe it then whose address a request with "
    "an unknown API key is from, and else count it as NGINX's own, and the monitor to NGINX, which tells it the time; "
    "`make up` and `make env` make one.",
)
ALLOWED_HOSTS: Final = Field(
    "",
    description="Host names, separated by commas, under which api and monitor answer on the loopback device too, as "
    "for a proxy on the same machine; without them localhost, 127.0.0.1 and [::1] alone. `*`: any. On other addresses "
    "they answer under any name.",
)
WORKER_REPLICAS: Final = Field(
    3, ge=0, le=64, description="Workers of a local run or of compose; how many the monitor takes for complete."
)
WORKER_KILL_SECONDS: Final = Field(
    35,
    ge=6,
    le=3600,
    description="How long supervisor or Docker wait for a worker that is told to stop, before they kill it.",
)
VAR_DIR: Final = Field(
    Path("var"), description="Where a local run keeps logs, spans, Redis's data and its own configuration."
)
ELASTICSEARCH_URL: Final = Field(
    "", description="Elasticsearch that `throughline journey` and its page search, such as `http://127.0.0.1:9200`."
)
ELASTICSEARCH_USER: Final = Field("throughline_reader", description="Who searches it.")
ELASTICSEARCH_PASSWORD: Final = Field("", description="That user's password (`READER_PASSWORD` in `.env`).")
ELASTICSEARCH_CA_FILE: Final = Field(
    None, description="Certificate authority of Elasticsearch and Kibana (PEM); default: the public ones."
)
JAEGER_PUBLIC_URL: Final = Field("", description="Jaeger as browsers reach it, such as `http://localhost:16686`.")
