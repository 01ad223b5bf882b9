"""The plots of docs/howto/calculations.md, drawn from results of the tasks themselves: `make docs` writes them."""
