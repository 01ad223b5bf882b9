"""Correlation IDs, log lines, spans, and the vocabulary that they are written in."""
