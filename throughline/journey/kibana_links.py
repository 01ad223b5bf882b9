"""Where links in Kibana lead on a machine with the whole stack; the import replaces them by configured addresses."""

from typing import Final

TRACES: Final = "http://localhost:16686/trace/"
TASKS: Final = "http://localhost/api/v1/tasks/"
