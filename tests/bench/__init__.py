"""Measurements: each script prints a ratio to a floor or a rival measured in the same run, and fails past its mark."""
