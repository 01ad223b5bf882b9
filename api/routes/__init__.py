"""HTTP only: parse, validate, answer."""
