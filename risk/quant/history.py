"""Shocks of history: what each class of assets did between two dates, with where the figures are from.

Every date, level and change below was looked up in public material on 2026-11-24, and stands as it was seen there or
as the quotient of two levels that were; `source` says which. What could not be found for a scenario's own dates is not
in it: a class that is absent is not shocked. Changes of equity are of the S&P 500's price, from the close of the first
date to the close of the last; of volatility, of the VIX or its forerunner VXO, which look 30 days ahead. Of 2022's
figures, those of the bond indices include coupons, and bitcoin's ends two days before the others.
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
            "S&P 500 −20.5 % in a day, S&P 100 volatility (VXO) from 36.37 to 150.19: Cboe Options Hub, 25 Years "
            "Ago the VXO Index Topped 150 (cboeoptionshub.com, 2012-10-22); S&P 500 −57.86 to 224.84: CNNfn, The "
            "blackest of Mondays (money.cnn.com, 1997-10-13)",
            "1987-10-16",
            "1987-10-19",
            {"equity": -0.205},
            volatility_change=3.13,
        ),
        Scenario(
            "dotcom_2000_2002",
            "The end of the dot-com boom",
            "S&P 500 from 1,527.46 to 776.76: Yardeni Research, S&P 500 Bull & Bear Market Tables (2020-03-23)",
            "2000-03-24",
            "2002-10-09",
            {"equity": -0.491},
        ),
        Scenario(
            "lehman_2008",
            "After Lehman's bankruptcy",
            "S&P 500 from 1,251.70: CNBC, S&P 500 Back at Pre-Lehman Bankruptcy Levels (cnbc.com/id/40771133); to"
            " 752.44: Financial News, Dow industrials drop 445 points (efinancialnews.com, 2008-11-21); VIX from "
            "25.66 to 80.86: Cboe's daily closes as kept in github.com/datasets/finance-vix",
            "2008-09-12",
            "2008-11-20",
            {"equity": -0.399},
            volatility_change=2.15,
        ),
        Scenario(
            "gfc_2007_2009",
            "The global financial crisis",
            "S&P 500 from 1,565.15 to 676.53: Yardeni Research, S&P 500 Bull & Bear Market Tables (2020-03-23), "
            "and −56.8 %: Bogleheads, Bear market (bogleheads.org/wiki/Bear_market); VIX from 16.12 to 49.68: "
            "Cboe's daily closes as kept in github.com/datasets/finance-vix",
            "2007-10-09",
            "2009-03-09",
            {"equity": -0.568},
            volatility_change=2.08,
        ),
        Scenario(
            "covid_2020",
            "The outbreak of COVID-19",
            "S&P 500 −33.92 %: Hartford Funds, Bear Markets Have Been Common (hartfordfunds.com, from Ned Davis "
            "Research); WTI crude oil from 53.31 to 23.33 USD: EIA's daily spot prices as kept in "
            "github.com/datasets/oil-prices; VIX from 14.38 to 61.59: Cboe's daily closes as kept in "
            "github.com/datasets/finance-vix",
            "2020-02-19",
            "2020-03-23",
            {"equity": -0.3392, "oil": -0.562},
            volatility_change=3.28,
        ),
        Scenario(
            "rates_2022",
            "The year in which interest rates rose",
            "S&P 500 from 4,766.18 to 3,839.50, −19.4 %: Just the News, 2022 was worst year for S&P 500 since "
            "2008; Bloomberg US Treasury Index −12.5 %, with coupons: Bloomberg, The U.S. Treasury market just "
            "suffered its worst-ever annual loss (coins2day.com, 2022-12-31); Bloomberg US Corporate Index −15.76"
            " %, with coupons: YCharts (ycharts.com/indices/^BBUSCOTR); ten-year Treasury yield +2.330 points to "
            "3.826 %: Dow Jones Newswires, Data Talk (marketscreener.com, 2022-12-30); bitcoin −64.34 % to 28 "
            "December: Dow Jones Newswires, Data Talk (marketscreener.com, 2022-12-28)",
            "2021-12-31",
            "2022-12-30",
            {"equity": -0.194, "government_bond": -0.125, "corporate_bond": -0.1576, "crypto": -0.6434},
            rate_change=0.0233,
        ),
    )
}
