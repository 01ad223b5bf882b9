"""Task types: how they are declared, found and checked, and what a running one is given."""
