"""Profit and loss of positions under shocks."""
