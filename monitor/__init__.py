"""The ninth process: watches the queues, the workers and the circuit breaker."""
