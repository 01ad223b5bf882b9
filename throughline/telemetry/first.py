"""What is settled before OpenTelemetry or FastAPI is imported: some variables are read by the imports themselves."""

import os


def settle() -> None:
    """OTEL_PROPAGATORS has no say here: see `trace_context.Propagator`.

    But for a name in it that is not installed, such as the `b3` that other services of the same environment need, the
    import would end with a traceback.
    """
    os.environ.pop("OTEL_PROPAGATORS", None)
