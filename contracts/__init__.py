"""What api, worker and monitor agree on: settings, task models, message headers, Redis keys, status names."""
