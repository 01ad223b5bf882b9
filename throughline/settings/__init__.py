"""What each process reads from environment variables: a class for each, checked before the process starts."""

from throughline.settings.api import ApiSettings
from throughline.settings.broker import BrokerSettings
from throughline.settings.local import LocalSettings, NineSettings
from throughline.settings.monitor import MonitorSettings
from throughline.settings.nginx import NginxSettings
from throughline.settings.plane import PlaneSettings
from throughline.settings.process import ProcessSettings
from throughline.settings.worker import WorkerSettings

__all__ = [
    "ApiSettings",
    "BrokerSettings",
    "LocalSettings",
    "MonitorSettings",
    "NginxSettings",
    "NineSettings",
    "PlaneSettings",
    "ProcessSettings",
    "WorkerSettings",
]
