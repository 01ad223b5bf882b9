"""The page of log lines as they are written: one reader for all who look."""
