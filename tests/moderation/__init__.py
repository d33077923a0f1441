"""Order: detection and what follows from it."""
