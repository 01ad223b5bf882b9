"""Makes dashboards/kibana/throughline.ndjson: `make dashboards`. A module for each page, and for each kind of thing."""
