"""What NGINX's template is filled with: by its container's entry point, or by a local run."""

from pathlib import Path

from throughline.settings import fields
from throughline.settings.fields import NginxSecret, ServiceVersion
from throughline.settings.sampling import SamplingSettings


class NginxSettings(SamplingSettings):
    """How many requests it lets through, which leave spans, and which version it is."""

    rate_limit_per_second: int = fields.RATE_LIMIT_PER_SECOND
    rate_limit_burst: int = fields.RATE_LIMIT_BURST
    api_keys_file: Path | None = fields.API_KEYS_FILE
    nginx_secret: NginxSecret = fields.NGINX_SECRET
    service_version: ServiceVersion = fields.SERVICE_VERSION
