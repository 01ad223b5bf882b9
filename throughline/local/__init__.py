"""The nine processes on one machine without Docker, under supervisor."""
