"""The ledger of tasks in Redis: the only writer of `tl:` keys."""
