"""What changed: the versions that run, the deployments, and what each version did."""
