"""Statements of reasons: the letter that the author of restricted content receives (DSA Art. 17)."""
