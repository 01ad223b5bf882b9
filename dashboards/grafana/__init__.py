"""Makes overview.json, Grafana's dashboard: `make docs`."""
