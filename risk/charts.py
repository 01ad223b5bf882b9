"""What the page draws of each calculation's result."""

from typing import Final

from throughline import Bars, Curves, Histogram, Line, Mark, Points

BACKTEST_VAR: Final = (
    Curves(
        "Losses against the value at risk",
        lines=(
            Line("series.value_at_risk", "Value at risk", x="series.indices"),
            Line("series.losses", "Loss", x="series.indices"),
        ),
        points=(Points("series.exceptions.indices", "series.exceptions.losses", "Exceptions"),),
        x_axis="Day",
        y_axis="Loss",
    ),
)
CALCULATE_VAR: Final = (
    Histogram(
        "Losses over the horizon",
        edges="loss_distribution.edges",
        weights="loss_distribution.shares",
        below="loss_distribution.below",
        above="loss_distribution.above",
        marks=(
            Mark("var_amount", "Value at risk", shade=True),
            Mark("expected_shortfall", "Expected shortfall"),
        ),
        axis="Loss (a gain is negative)",
    ),
    Bars(
        "What each position adds to the value at risk",
        values="contributions[].contribution",
        names="contributions[].symbol",
    ),
)
PORTFOLIO_OPTIMIZATION: Final = (
    Curves(
        "Efficient frontier",
        lines=(Line("frontier[].expected_return", "Efficient frontier", x="frontier[].volatility"),),
        points=(
            Points("assets[].volatility", "assets[].expected_return", "Assets", names="assets[].symbol"),
            Points("volatility", "expected_return", "Chosen"),
        ),
        x_axis="Volatility of a year",
        y_axis="Expected return of a year",
    ),
    Bars("Weights", values="weights"),
    Bars("What each asset adds to the risk", values="risk_contributions"),
)
STRESS_TEST: Final = (
    Bars("Profit and loss by scenario", values="scenarios[].profit_and_loss", names="scenarios[].title"),
    Bars(
        "What makes up the worst scenario",
        values="worst_positions[].profit_and_loss",
        names="worst_positions[].symbol",
    ),
)
