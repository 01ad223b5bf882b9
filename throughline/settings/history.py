"""Where api and monitor find the history of ended tasks."""

from pathlib import Path

from pydantic import Field

from throughline import history_url
from throughline.settings import fields
from throughline.settings.environment import EnvironmentSettings
from throughline.settings.fields import HistoryUrl


class HistorySettings(EnvironmentSettings):
    """The same in both, or the api does not find what the monitor has moved there."""

    history_url: HistoryUrl = Field(
        "",
        description="Where ended tasks are kept: `sqlite:///path/of/file.sqlite` (four slashes before an absolute "
        "path), or `postgresql://user:password@host:5432/database`; default: `history.sqlite` in `VAR_DIR`.",
    )
    var_dir: Path = fields.VAR_DIR

    @property
    def history_address(self) -> str:
        """The URL of the history, whether it was given or not."""
        return self.history_url or history_url.in_folder(self.var_dir)
