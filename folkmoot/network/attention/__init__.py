"""Attention: what waits for a member, as counts in the head of every page."""
