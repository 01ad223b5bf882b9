"""Shocks of history: what each class of assets did between two dates, with where the figures are from.

Changes are of an index or price from the close of the first date to the close of the last, rounded to half a per cent
where the sources differ; a class that is absent did not matter or has no quotation for those days: it is not shocked.
"""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True)
class Scenario:
    """Relative price changes by class; `market` moves what has a beta."""

    name: str
    title: str
    source: str
    start: str = ""
    end: str = ""
    shocks: dict[str, float] = field(default_factory=dict)
    symbols: dict[str, float] = field(default_factory=dict)
    market: float | None = None
    volatility_change: float = 0.0
    rate_change: float = 0.0

    @property
    def market_move(self) -> float:
        return self.shocks.get("equity", 0.0) if self.market is None else self.market


CATALOGUE: Final = {
    scenario.name: scenario
    for scenario in (
        Scenario(
            "black_monday_1987",
            "Black Monday",
            "S&P 500 −20.5 % in a day: Federal Reserve History, Stock Market Crash of 1987",
            "1987-10-16",
            "1987-10-19",
            {"equity": -0.205},
            volatility_change=1.5,
        ),
        Scenario(
            "dotcom_2000_2002",
            "The end of the dot-com boom",
            "S&P 500 from 1,527.46 to 776.76: S&P Dow Jones Indices, closing levels",
            "2000-03-24",
            "2002-10-09",
            {"equity": -0.491},
        ),
        Scenario(
            "lehman_2008",
            "After Lehman's bankruptcy",
            "S&P 500 from 1,251.70 to 752.44: S&P Dow Jones Indices; VIX from 25.66 to 80.86: Cboe, closing levels",
            "2008-09-12",
            "2008-11-20",
            {"equity": -0.399},
            volatility_change=2.15,
        ),
        Scenario(
            "gfc_2007_2009",
            "The global financial crisis",
            "S&P 500 from 1,565.15 to 676.53: S&P Dow Jones Indices; London gold from about 740 to 920 USD: LBMA",
            "2007-10-09",
            "2009-03-09",
            {"equity": -0.568, "gold": 0.25},
        ),
        Scenario(
            "covid_2020",
            "The outbreak of COVID-19",
            "S&P 500 from 3,386.15 to 2,237.40: S&P Dow Jones Indices; WTI from about 53 to 23 USD: EIA; "
            "VIX from 14.38 to 61.59: Cboe, closing levels",
            "2020-02-19",
            "2020-03-23",
            {"equity": -0.339, "oil": -0.56},
            volatility_change=3.28,
        ),
        Scenario(
            "rates_2022",
            "The rise of interest rates",
            "S&P 500 from 4,796.56 to 3,577.03: S&P Dow Jones Indices; US aggregate bonds about −15 %: Bloomberg; "
            "ten-year Treasury yield from 1.63 to 3.91 %: US Treasury",
            "2022-01-03",
            "2022-10-12",
            {"equity": -0.254, "government_bond": -0.14, "corporate_bond": -0.20, "crypto": -0.59},
            rate_change=0.0228,
        ),
    )
}
