"""What the programs read that set up the observability plane and watch it: `python -m monitor.plane.…`."""

from pydantic import Field

from throughline.settings import fields
from throughline.settings.fields import CertificateFile, ServerAddress, WebAddress
from throughline.settings.process import ProcessSettings


class PlaneSettings(ProcessSettings):
    """Where Elasticsearch and Kibana are, and what their links lead to."""

    elasticsearch_url: ServerAddress = fields.ELASTICSEARCH_URL
    elasticsearch_user: str = fields.ELASTICSEARCH_USER
    elasticsearch_password: str = fields.ELASTICSEARCH_PASSWORD
    elasticsearch_ca_file: CertificateFile | None = fields.ELASTICSEARCH_CA_FILE
    kibana_url: ServerAddress = Field(
        "http://127.0.0.1:5601", description="Kibana that `python -m monitor.plane.kibana` imports saved objects into."
    )
    jaeger_public_url: WebAddress = fields.JAEGER_PUBLIC_URL
    api_public_url: WebAddress = Field("", description="NGINX as browsers reach it, such as `http://localhost`.")
