"""Load from clients that never tire, on nine of its own: what is answered, and whether memory stays flat."""
