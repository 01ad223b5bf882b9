"""What every process of ours reads, whatever it does."""

from typing import Literal

from pydantic import Field

from throughline.settings import fields
from throughline.settings.environment import EnvironmentSettings
from throughline.settings.fields import NodeName, ServiceVersion


class ProcessSettings(EnvironmentSettings):
    """How much a process logs, and under which name and version."""

    environment: Literal["development", "staging", "production"] = Field(
        "development", description="How much is logged: everything, important events, or business events."
    )
    service_node_name: NodeName = Field(
        "", description="This instance's name (`fastapi-2`, `worker-3`); default: service and host name."
    )
    service_version: ServiceVersion = fields.SERVICE_VERSION
