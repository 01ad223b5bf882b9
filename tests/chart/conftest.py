"""What Helm makes of values: the objects that it would install, or the line with which it refuses them."""

import functools
import json
import subprocess
from collections.abc import Callable, Mapping
from typing import Any

import pytest
import yaml

from tests.system.nine import ROOT

CHART = ROOT / "deploy" / "helm" / "throughline"
KEDA = "keda.sh/v1alpha1/ScaledObject"

Objects = list[dict[str, Any]]


@pytest.fixture(scope="session")
def render() -> Callable[..., Objects]:
    """`render({"redis": {"maxmemoryMb": 800}}, KEDA)`: the objects on a cluster that has these APIs beside its own."""

    def rendered(values: Mapping[str, Any] | None = None, *apis: str) -> Objects:
        done = _template(json.dumps(values or {}), apis)
        assert done.returncode == 0, done.stderr
        return [each for each in yaml.safe_load_all(done.stdout) if each]

    return rendered


@pytest.fixture(scope="session")
def refused() -> Callable[..., str]:
    """`refused({"nginx": {"replicas": -1}})`: what Helm says instead of installing these values."""

    def refusal(values: Mapping[str, Any]) -> str:
        done = _template(json.dumps(values), ())
        assert done.returncode != 0, "the chart takes these values"
        return "\n".join(line for line in done.stderr.splitlines() if "found symbolic link" not in line)

    return refusal


@functools.cache
def _template(values: str, apis: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    options = [option for api in apis for option in ("--api-versions", api)]
    command = ["helm", "template", "throughline", str(CHART), "--namespace", "throughline", "--values", "-", *options]
    return subprocess.run(command, input=values, capture_output=True, text=True, timeout=60, check=False)
