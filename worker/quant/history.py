"""Shocks of history: what each class of assets did between two dates, with where the figures were read.

Changes are of an index from the close of the first date to the close of the last, unless the source says another date.
Every figure was looked up on 2026-11-24 in what `source` names; a class for which none was found is not shocked.
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
            "S&P 500 −20.5 % in a day: CNBC, By the Numbers, 19 October 2009",
            "1987-10-16",
            "1987-10-19",
            {"equity": -0.205},
        ),
        Scenario(
            "dotcom_2000_2002",
            "The end of the dot-com boom",
            "S&P 500 −49.1 %: Los Angeles Times, Money & Company, 19 February 2009; from 1,527.46: Marotta On Money, "
            "The Dot Com Bubble; to 776.76: Bogleheads wiki, Bear market",
            "2000-03-24",
            "2002-10-09",
            {"equity": -0.491},
        ),
        Scenario(
            "lehman_2008",
            "The autumn of Lehman's bankruptcy",
            "S&P 500 from 1,283 and VIX from 20.65: CNBC, The Month that Shook the World; S&P 500 to 752.44: "
            "Los Angeles Times, Money & Company, 19 February 2009; VIX to 80.86: Bloomberg, 20 November 2008",
            "2008-08-29",
            "2008-11-20",
            {"equity": -0.414},
            volatility_change=2.916,
        ),
        Scenario(
            "gfc_2007_2009",
            "The global financial crisis",
            "S&P 500 from 1,565.15 to 676.53: Advisor Perspectives, S&P 500 Snapshot, 22 September 2023",
            "2007-10-09",
            "2009-03-09",
            {"equity": -0.568},
        ),
        Scenario(
            "covid_2020",
            "The outbreak of COVID-19",
            "S&P 500 from 3,386.15 to 2,237.40: Marotta On Money, The S&P 500 Recovered Today, August 2020",
            "2020-02-19",
            "2020-03-23",
            {"equity": -0.339},
        ),
        Scenario(
            "rates_2022",
            "The rise of interest rates",
            "S&P 500 from 4,796.56 to 3,577.03: Dow Jones Newswires, Data Talk, 22 December 2022; ten-year Treasury "
            "yield from 1.628 to 3.901 %: the same, 3 January and 14 October 2022; US Treasuries −11.4 %, corporates "
            "−15.6 % to 15 September: Pensions & Investments, US bond investors' rough year",
            "2022-01-03",
            "2022-10-12",
            {"equity": -0.254, "government_bond": -0.114, "corporate_bond": -0.156},
            rate_change=0.0227,
        ),
    )
}
