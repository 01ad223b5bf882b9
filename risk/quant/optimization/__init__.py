"""The best weights of a portfolio: least variance, a return sought, or the highest Sharpe ratio, within limits."""
