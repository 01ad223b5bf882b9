"""The image's NGINX, which sees all headers of one name, reads those of W3C trace context as a replica does."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests import lone_nginx
from tests.command import ROOT
from tests.trace_context_cases import CASES, Case
from throughline.local import nginx_trace

Wait = Callable[..., Any]


@pytest.fixture(scope="module")
def nginx(tmp_path_factory: pytest.TempPathFactory, wait_until: Wait) -> Iterator[lone_nginx.Nginx]:
    """In a container of its own, on the host's network."""
    image = re.search(r"^FROM (nginx:\S+)$", (ROOT / "nginx" / "Dockerfile").read_text(), re.MULTILINE)
    assert image
    folder = tmp_path_factory.mktemp("nginx")
    program = ("docker", "run", "--rm", "--network", "host", "-v", f"{folder}:{folder}", image[1], "nginx")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(nginx_trace, "header_names", lambda _: lone_nginx.JOINING_NAMES)
        with lone_nginx.started(folder, wait_until, *program) as running:
            yield running


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_it_reads_the_headers_as_a_replica_does(nginx: lone_nginx.Nginx, case: Case):
    lone_nginx.assert_read(nginx, case)
