"""How many days of trading a year has: what every horizon in days is a share of."""

from typing import Final

TRADING_DAYS_A_YEAR: Final = 252
