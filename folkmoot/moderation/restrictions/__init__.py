"""Restrictions: what a decision does. The rows here are the truth; posts and accounts only show their effect."""
