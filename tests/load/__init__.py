"""Load on nine processes of its own: how requests are answered, and whether memory stays flat."""
