"""The rules, independent of HTTP and Redis."""
