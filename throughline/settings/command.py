"""What the commands read that speak to a Throughline anywhere: `throughline submit`.

They read these two from the environment themselves: the settings classes take longer to load than the command does.
"""

from pydantic import Field

from throughline.settings.environment import EnvironmentSettings


class CommandSettings(EnvironmentSettings):
    """Where the service is, and who asks it."""

    throughline_url: str = Field(
        "", description="Where `throughline submit` finds the service; default: the local run. `--url` overrides it."
    )
    throughline_api_key: str = Field(
        "", description="API key that `throughline submit` sends. No option takes it: any user can read a command line."
    )
