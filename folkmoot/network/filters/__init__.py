"""Filters: words and single posts that a member does not want to read, and what happens to them. Nobody else sees them."""
