"""Portfolio weights that are best by an objective."""
