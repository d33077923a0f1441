"""Verdicts: what was found in a case, by a moderator or a jury."""
