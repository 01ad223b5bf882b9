"""Value at risk of a portfolio."""
