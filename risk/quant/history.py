"""Shocks of history: what each class of assets did between two dates, with where the figures are from.

Every date, level and change below was looked up in public material on 2026-11-24 and 2026-11-26, and stands as it was
seen there or as the quotient of two levels that were; `source` says which. What could not be found for a scenario's own
dates is not in it: it is not covered. Changes of equity are of the S&P 500's price, from the close of the first date to
the close of the last. Volatilities are those of equity (S&P 500: VIX and its forerunner VXO for 30 days, VIX3M for 93,
VIX6M for half a year) and of oil (OVX, 30 days). Rates are the yields of US Treasury securities at constant maturity.
Of 2022's figures, those of the bond indices include coupons, and bitcoin's ends two days before the others.
"""

from typing import Final

from risk.quant.shocks import Levels, Scenario, VolatilityCurve, YieldCurve

_TREASURIES: Final = (1 / 12, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0)  # years to maturity
_VIX: Final = "Cboe's daily closes as kept in github.com/datasets/finance-vix"
_VIX3M: Final = "Cboe's daily closes as kept in github.com/ahsub/regime-test (data/VIX3M_History.csv)"
_VIX6M: Final = "Cboe's daily closes as kept in github.com/zongrui991007/Quant-Risk_Capstone (VIX6M_History.csv)"
_OVX_TO_2019: Final = "FRED's OVXCLS as kept in github.com/dastjerdi/crypto-ml"
_OVX: Final = "FRED's OVXCLS as kept in github.com/NippaniP/CapstoneProject"
_WTI: Final = "EIA's daily spot prices as kept in github.com/datasets/oil-prices"
_GOLD: Final = "London's afternoon fixing, FRED's GOLDPMGBD228NLBM as kept in github.com/7astro7/fredTimeSeries"
_YIELDS: Final = "Treasury yields: FRED's DGS1MO to DGS30 as kept in github.com/leo-lightfoot/Yield_Curve_PCA"


def _treasuries(before: tuple[float, ...], after: tuple[float, ...]) -> YieldCurve:
    """Of the yields in per cent, one month first."""
    pairs: list[Levels] = list(zip(before, after, strict=True))
    return YieldCurve(dict(zip(_TREASURIES, pairs, strict=True)))


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
            volatilities={"equity": VolatilityCurve({30: (36.37, 150.19)})},
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
            f"25.66 to 80.86: {_VIX}; VIX6M from 24.57 to 61.47: {_VIX6M}; WTI crude oil from 101.19 to 48.86 USD: "
            f"{_WTI}; OVX from 45.75 to 79.09: {_OVX_TO_2019}; gold from 750.25 to 738.00 USD: {_GOLD}; {_YIELDS}",
            "2008-09-12",
            "2008-11-20",
            {"equity": -0.399, "oil": -0.5171, "gold": -0.0163},
            volatilities={
                "equity": VolatilityCurve({30: (25.66, 80.86), 182: (24.57, 61.47)}),
                "oil": VolatilityCurve({30: (45.75, 79.09)}),
            },
            rates=_treasuries(
                (1.37, 1.49, 1.84, 2.02, 2.23, 2.97, 3.74, 4.36, 4.32),
                (0.05, 0.03, 0.52, 0.87, 1.00, 1.94, 3.10, 3.87, 3.64),
            ),
        ),
        Scenario(
            "gfc_2007_2009",
            "The global financial crisis",
            "S&P 500 from 1,565.15 to 676.53: Yardeni Research, S&P 500 Bull & Bear Market Tables (2020-03-23), "
            f"and −56.8 %: Bogleheads, Bear market (bogleheads.org/wiki/Bear_market); VIX from 16.12 to 49.68: {_VIX}; "
            f"WTI crude oil from 80.23 to 47.01 USD: {_WTI}; OVX from 30.59 to 71.35: {_OVX_TO_2019}; gold from 736.00 "
            f"to 923.75 USD: {_GOLD}; {_YIELDS}",
            "2007-10-09",
            "2009-03-09",
            {"equity": -0.568, "oil": -0.4141, "gold": 0.2551},
            volatilities={
                "equity": VolatilityCurve({30: (16.12, 49.68)}),
                "oil": VolatilityCurve({30: (30.59, 71.35)}),
            },
            rates=_treasuries(
                (3.72, 4.06, 4.28, 4.23, 4.15, 4.38, 4.67, 4.93, 4.87),
                (0.12, 0.23, 0.47, 0.69, 0.96, 1.90, 2.89, 3.83, 3.59),
            ),
        ),
        Scenario(
            "covid_2020",
            "The outbreak of COVID-19",
            "S&P 500 −33.92 %: Hartford Funds, Bear Markets Have Been Common (hartfordfunds.com, from Ned Davis "
            f"Research); WTI crude oil from 53.31 to 23.33 USD: {_WTI}; VIX from 14.38 to 61.59: {_VIX}; VIX3M from "
            f"15.82 to 56.64: {_VIX3M}; VIX6M from 16.76 to 46.59: {_VIX6M}; OVX from 32.27 to 185.68: {_OVX}; "
            f"{_YIELDS}",
            "2020-02-19",
            "2020-03-23",
            {"equity": -0.3392, "oil": -0.562},
            volatilities={
                "equity": VolatilityCurve({30: (14.38, 61.59), 93: (15.82, 56.64), 182: (16.76, 46.59)}),
                "oil": VolatilityCurve({30: (32.27, 185.68)}),
            },
            rates=_treasuries(
                (1.61, 1.58, 1.56, 1.47, 1.42, 1.41, 1.56, 1.86, 2.01),
                (0.01, 0.02, 0.08, 0.17, 0.28, 0.38, 0.76, 1.12, 1.33),
            ),
        ),
        Scenario(
            "rates_2022",
            "The year in which interest rates rose",
            "S&P 500 from 4,766.18 to 3,839.50, −19.4 %: Just the News, 2022 was worst year for S&P 500 since "
            "2008; Bloomberg US Treasury Index −12.5 %, with coupons: Bloomberg, The U.S. Treasury market just "
            "suffered its worst-ever annual loss (coins2day.com, 2022-12-31); Bloomberg US Corporate Index −15.76"
            " %, with coupons: YCharts (ycharts.com/indices/^BBUSCOTR); bitcoin −64.34 % to 28 December: Dow Jones "
            f"Newswires, Data Talk (marketscreener.com, 2022-12-28); WTI crude oil from 75.33 to 80.16 USD: {_WTI}; "
            "VIX from 17.22 to 21.67: Macrotrends (macrotrends.net/2603/vix-volatility-index-historical-chart); VIX3M "
            f"from 21.88 to 24.29: {_VIX3M}; VIX6M from 25.10 to 26.20: {_VIX6M}; OVX from 42.62 to 41.26: {_OVX}; "
            f"{_YIELDS}",
            "2021-12-31",
            "2022-12-30",
            {"equity": -0.194, "government_bond": -0.125, "corporate_bond": -0.1576, "crypto": -0.6434, "oil": 0.0641},
            volatilities={
                "equity": VolatilityCurve({30: (17.22, 21.67), 93: (21.88, 24.29), 182: (25.10, 26.20)}),
                "oil": VolatilityCurve({30: (42.62, 41.26)}),
            },
            rates=_treasuries(
                (0.06, 0.06, 0.19, 0.39, 0.73, 1.26, 1.52, 1.94, 1.90),
                (4.12, 4.42, 4.76, 4.73, 4.41, 3.99, 3.88, 4.14, 3.97),
            ),
        ),
    )
}
