"""The ninth process: watches the queues, the workers and the circuit breaker."""

from throughline.telemetry import first

first.settle()
