"""Statements of reasons, which the author of restricted content receives (DSA Art. 17)."""
