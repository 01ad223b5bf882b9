"""Log lines as they are written: which are wanted, where they are read, and in which words they are told."""
