"""How every plot looks, and where it is written: an SVG whose bytes depend on its figures alone."""

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PICTURES: Final = Path(__file__).resolve().parents[1] / "pictures"
BLUE, ORANGE, GREEN, GREY = "#1f5fa8", "#c8641b", "#2f7d4f", "#7a7a7a"

mpl.use("svg")
mpl.rcParams |= {
    "svg.fonttype": "none",  # text stays text: small files, and a reader may search them
    "svg.hashsalt": "throughline",  # the names inside would be random
    "font.family": "sans-serif",
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
}


def axes(title: str, x: str, y: str) -> Axes:
    """An empty plot with its title and what its axes say."""
    figure = Figure(figsize=(8, 4.2), layout="constrained")
    found: Axes = figure.add_subplot()
    found.set_title(title, loc="left", fontweight="bold")
    found.set_xlabel(x)
    found.set_ylabel(y)
    return found


def write(plot: Axes, name: str) -> None:
    """Writes docs/pictures/{name}.svg."""
    figure = plot.get_figure()
    assert isinstance(figure, Figure)
    figure.savefig(PICTURES / f"{name}.svg", metadata={"Date": None})
