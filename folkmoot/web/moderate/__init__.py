"""Pages of those who decide: their share, and the case."""
