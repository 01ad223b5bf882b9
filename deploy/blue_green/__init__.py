"""What `deploy/release` does. Standard library only: it runs where kubectl and helm do, with nothing installed."""
