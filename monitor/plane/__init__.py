"""One-shot programs that set up and watch the observability plane: Elasticsearch, Kibana, the lag of log lines."""
