"""Closing the circuit breaker from the home page: asked first, then done through the API."""
