"""Helm finds nothing to say against the chart."""

import subprocess

import pytest

from tests.command import ROOT

_VALUES = ROOT / "tests" / "cluster" / "values.yaml"


@pytest.mark.parametrize("options", [(), ("--values", str(_VALUES))], ids=["defaults", "those of the cluster's tests"])
def test_the_chart_passes_lint(options: tuple[str, ...]):
    command = ["helm", "lint", "--strict", str(ROOT / "deploy" / "helm" / "throughline"), *options]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert found.returncode == 0, found.stdout + found.stderr
