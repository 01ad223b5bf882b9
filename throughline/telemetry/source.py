"""Who a span or a measurement is from, in OpenTelemetry's words."""

from opentelemetry.sdk.resources import Resource


def of(service: str, node: str, version: str) -> Resource:
    """The service, its instance and version; beside them what OTEL_RESOURCE_ATTRIBUTES says."""
    return Resource.create({"service.name": service, "service.instance.id": node, "service.version": version})
