"""NGINX keeps exactly the traces that OpenTelemetry's SDK keeps in the other processes: by nginx/sampling.awk."""

import os
import random
import re
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.sdk.trace import sampling

from throughline.local import nginx_trace
from throughline.local.run import ROOT, CannotRun
from throughline.settings.sampling import SamplingSettings

RATIOS = [0, 1, 1e-6, 0.1, 1 / 3, 0.5, 0.999999, 0.25, 1 / 16, 1e-3, 1e-18, 2**-64, 3 * 2**-65, 5e-324, 1 - 2**-53]
NO_RATIOS = ["half", "1.1", "-0.1", "0,5", ".", "0x1", "nan", "inf", "1 0", '0.5;} include "/etc/passwd']
SAMPLERS = [
    "always_on",
    "always_off",
    "traceidratio",
    "parentbased_always_on",
    "parentbased_always_off",
    "parentbased_traceidratio",
]


def rules(**settings: Any) -> str:
    return nginx_trace.sampling_rules(SamplingSettings(**settings))


def decision(written: str) -> Callable[[str], bool]:
    """What NGINX makes of them: the value of the first pattern that fits, else the default."""
    patterns = [(re.compile(each), value == "1") for each, value in re.findall(r'^"~(.*)" ([01]);$', written, re.M)]
    assert len(patterns) == len(written.splitlines()) - 1
    assert written.endswith("default 0;")
    return lambda subject: next((value for pattern, value in patterns if pattern.search(subject)), False)


def near(bound: int) -> list[int]:
    """Trace IDs on both sides of a bound of their lower 64 bits."""
    lower = {max(0, min(2**64 - 1, bound + step)) for step in (-(2**40), -4096, -2, -1, 0, 1, 2, 4096, 2**40)}
    return [(1 << 64) + each for each in lower] + [(2**64 - 1 << 64) + each for each in lower]


@pytest.mark.parametrize("ratio", RATIOS)
def test_a_ratio_keeps_the_traces_that_the_sdk_keeps(ratio: float):
    sdk = sampling.TraceIdRatioBased(ratio)
    keeps = decision(rules(otel_traces_sampler="traceidratio", otel_traces_sampler_arg=ratio))
    chance = random.Random(7)
    for trace_id in [*near(sdk.bound), *(chance.getrandbits(128) for _ in range(3000))]:
        expected = sdk.should_sample(None, trace_id, "").decision.is_sampled()
        assert {keeps(f"{caller} {trace_id:032x}") for caller in "01-"} == {expected}, f"{trace_id:032x}"


@settings(deadline=None)
@given(st.floats(0, 1))
@example(2.7105054312137611e-20)  # half of the smallest share: rounds to none
@example(8.131516293641283e-20)  # one and a half of it: rounds to two
def test_so_does_every_other_ratio(ratio: float):
    sdk = sampling.TraceIdRatioBased(ratio)
    keeps = decision(rules(otel_traces_sampler="traceidratio", otel_traces_sampler_arg=ratio))
    for trace_id in near(sdk.bound):
        assert keeps(f"- {trace_id:032x}") == (trace_id % 2**64 < sdk.bound)


def _caller(which: str, trace_id: int) -> Context:
    if which == "-":
        return Context()
    span = trace.SpanContext(trace_id, 1, is_remote=True, trace_flags=trace.TraceFlags(int(which)))
    return trace.set_span_in_context(trace.NonRecordingSpan(span), Context())


@pytest.mark.parametrize("name", SAMPLERS)
def test_every_sampler_decides_as_the_sdks(name: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", name)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.4")
    sdk = sampling._get_from_env_or_default()
    keeps = decision(nginx_trace.sampling_rules(SamplingSettings()))
    for trace_id in [(1 << 64) + 5, (1 << 64) + 2**63]:  # below the ratio, and not
        for which in "01-":
            expected = sdk.should_sample(_caller(which, trace_id), trace_id, "").decision.is_sampled()
            assert keeps(f"{which} {trace_id:032x}") == expected, which


@pytest.mark.parametrize("name", SAMPLERS)
def test_with_the_sdk_disabled_nothing_is_kept(name: str):
    keeps = decision(rules(otel_sdk_disabled=True, otel_traces_sampler=name))
    assert not any(keeps(f"{which} {'0' * 31}1") for which in "01-")


def _in_the_container(**environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        ["awk", "-f", str(ROOT / "nginx" / "sampling.awk")],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=10,
        check=False,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OTEL_SDK_DISABLED", "1"),
        ("OTEL_SDK_DISABLED", "yes"),
        ("OTEL_TRACES_SAMPLER", "sometimes"),
        ("OTEL_TRACES_SAMPLER", "parentbased_"),
        ("OTEL_TRACES_SAMPLER", " always_on"),
        ("OTEL_TRACES_SAMPLER", "xalways_on"),
        *(("OTEL_TRACES_SAMPLER_ARG", value) for value in NO_RATIOS),
    ],
)
def test_a_wrong_variable_ends_the_start_with_one_line_that_names_it(name: str, value: str):
    done = _in_the_container(**{name: value})
    assert done.returncode == 1
    assert done.stdout == ""
    assert re.fullmatch(rf"Wrong setting: {name}: must be .*\n", done.stderr)


@pytest.mark.parametrize("value", ["0.5", " 0.5 ", ".5", "5e-1", "5E-1", "+0.5", "00.50"])
def test_a_number_is_read_as_the_other_processes_read_it(value: str):
    done = _in_the_container(OTEL_TRACES_SAMPLER="TraceIdRatio", OTEL_TRACES_SAMPLER_ARG=value)
    assert done.stdout.rstrip() == rules(otel_traces_sampler="traceidratio", otel_traces_sampler_arg=float(value))


@pytest.mark.parametrize("name", ["OTEL_SDK_DISABLED", "OTEL_TRACES_SAMPLER", "OTEL_TRACES_SAMPLER_ARG"])
def test_an_empty_variable_is_an_unset_one(name: str):
    assert _in_the_container(**{name: ""}).stdout.rstrip() == rules()


def test_a_computer_without_awk_is_told_so(monkeypatch: pytest.MonkeyPatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(CannotRun, match="awk not found"):
        rules()
