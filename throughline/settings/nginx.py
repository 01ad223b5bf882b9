"""What NGINX's template is filled with: by its container's entry point, or by a local run."""

from pydantic import Field

from throughline.settings import fields
from throughline.settings.fields import ServiceVersion
from throughline.settings.sampling import SamplingSettings


class NginxSettings(SamplingSettings):
    """How many requests it lets through, which leave spans, and which version it is."""

    rate_limit_per_second: int = Field(
        1000, ge=1, description="Requests a second that NGINX lets through for one API key or address in the long run."
    )
    rate_limit_burst: int = Field(2000, ge=1, description="Requests beyond that which NGINX lets through at once.")
    service_version: ServiceVersion = fields.SERVICE_VERSION
