"""The rules, in terms of neither HTTP nor Redis."""
