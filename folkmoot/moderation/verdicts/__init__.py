"""Verdicts: what was found in a case, by a moderator today, by a jury later."""
