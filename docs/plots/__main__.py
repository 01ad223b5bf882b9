"""Draws them all."""

import risk  # noqa: F401 – declares the tasks
from docs.plots import calculate_var, stress_test

for plot in (calculate_var, stress_test):
    plot.draw()
