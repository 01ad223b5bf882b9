"""A Celery application that knows nothing of Throughline but a task's name."""

import os

from celery import Celery

app = Celery(broker=os.environ["REDIS_URL"], backend=os.environ["REDIS_URL"])
app.conf.broker_transport_options = {"priority_steps": [0]}


@app.task(name="calculate_var")
def calculate_var(data):
    return {"positions": len(data["portfolio_data"]["positions"])}
