"""What every process reads that takes part in a task: api, workers and monitor."""

from pydantic import Field

from throughline import redis_url
from throughline.settings.export import ExportSettings
from throughline.settings.fields import RedisUrl
from throughline.settings.process import ProcessSettings
from throughline.settings.sampling import SamplingSettings


class BrokerSettings(ProcessSettings, SamplingSettings, ExportSettings):
    """Where Redis is, which tasks there are, and where spans go."""

    redis_url: RedisUrl = Field(
        redis_url.DEFAULT,
        description="Broker, results and Throughline's own keys: `redis://:password@host:port/db`, `rediss://…` with "
        "the options `ssl_cert_reqs` (`required`, `optional` or `none`), `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile` "
        "and `ssl_check_hostname`, or `unix://:password@/path/of/redis.sock?db=0`.",
    )
    task_modules: str = Field(
        "risk",
        description="Python modules whose tasks are on offer, such as `risk,my_tasks`; those of installed packages "
        "(entry point `throughline.tasks`) come by themselves.",
    )
