"""What NGINX's template is told of traces: which are sampled, and under which names it passes the two headers on."""

import os
import re
import subprocess
from typing import Final

from throughline.local.run import ROOT, CannotRun
from throughline.settings.sampling import SamplingSettings
from throughline.telemetry import trace_context

_SECONDS: Final = 10
_SEES_ALL_HEADERS: Final = (1, 23)


def sampling_rules(settings: SamplingSettings) -> str:
    """By the program that the container has too: two of them would differ one day, and so cut traces in half."""
    environment = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "OTEL_SDK_DISABLED": str(settings.otel_sdk_disabled),
        "OTEL_TRACES_SAMPLER": settings.otel_traces_sampler,
        "OTEL_TRACES_SAMPLER_ARG": str(settings.otel_traces_sampler_arg),
    }
    try:
        told = subprocess.run(
            ["awk", "-f", str(ROOT / "nginx" / "sampling.awk")],
            env=environment,
            capture_output=True,
            text=True,
            timeout=_SECONDS,
            check=True,
        )
    except FileNotFoundError:
        raise CannotRun("awk not found, which every Unix has: sudo apt-get install mawk") from None
    except subprocess.CalledProcessError as error:
        raise CannotRun(error.stderr.strip()) from None
    return told.stdout.rstrip()


def header_names(nginx: str) -> tuple[str, str]:
    """Of `traceparent` and `tracestate`, for the NGINX at this path.

    Before 1.23 it knows only the first of several headers with one name, and setting one hides all of the caller's. So
    it leaves those to the replica, and says what it made of the first under a name of its own.
    """
    told = subprocess.run([nginx, "-v"], capture_output=True, text=True, timeout=_SECONDS, check=False).stderr
    version = re.search(r"nginx/(\d+)\.(\d+)", told)
    if version and (int(version[1]), int(version[2])) < _SEES_ALL_HEADERS:
        return trace_context.OLD_NGINX, f"{trace_context.OLD_NGINX}-State"
    return "traceparent", "tracestate"
