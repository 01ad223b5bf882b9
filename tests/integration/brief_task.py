"""A task that lasts long enough for the next one to wait for it, and one that sends the first by Celery itself."""

import time

from celery import current_app
from pydantic import BaseModel

from throughline import Run, task


class Text(BaseModel):
    text: str


@task("brief", model=Text)
def brief(data: Text, run: Run) -> str:
    with run.phase("read"):
        time.sleep(0.1)
    with run.phase("write"):
        time.sleep(0.2)
    run.log.warning("It is written")
    return data.text


@task("sends_brief", model=Text)
def sends_brief(data: Text, run: Run) -> None:
    for _ in range(2):  # more than one worker runs
        current_app.send_task("brief", args=[{"text": data.text}], queue="high")
