"""Whether a series of values at risk held."""
