"""The client: submits tasks to a Throughline from any Python program and follows them, blocking or awaited."""

from throughline.client.async_client import AsyncClient, AsyncHandle
from throughline.client.client import Client, Handle
from throughline.client.events import TaskEvent

__all__ = ["AsyncClient", "AsyncHandle", "Client", "Handle", "TaskEvent"]
