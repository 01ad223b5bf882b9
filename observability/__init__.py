"""Correlation, log lines, spans and metrics: set up once per process, in one vocabulary."""
