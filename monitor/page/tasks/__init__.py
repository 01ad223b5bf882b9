"""The page of all tasks: a list by filters, how many over time, and what can be done with chosen ones."""
