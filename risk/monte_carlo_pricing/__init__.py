"""Prices and sensitivities of options, by simulation."""
