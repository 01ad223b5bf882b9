"""Elasticsearch: who may do what in it, what its documents look like, and how it is asked."""
