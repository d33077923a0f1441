"""Live updates: the hub."""
