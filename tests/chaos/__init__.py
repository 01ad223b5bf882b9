"""Faults of the real nine, and the score: nothing accepted is lost, and no result is stored twice."""
