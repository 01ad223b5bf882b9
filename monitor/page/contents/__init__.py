"""The input and the result of one task, for its own caller and for admins."""
