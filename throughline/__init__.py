"""Throughline: a distributed task queue in which one search shows where a request spent its time."""
