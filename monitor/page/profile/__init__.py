"""The pages about many tasks: `/profile`, where their time went, and `/errors`, what they failed with."""
