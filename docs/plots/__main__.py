"""Draws them all."""

import risk  # noqa: F401 – declares the tasks
from docs.plots import calculate_var

for plot in (calculate_var,):
    plot.draw()
