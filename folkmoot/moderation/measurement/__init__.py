"""How well moderation works, as figures with intervals: a random sample of what was seen, and what became of cases (decision 0109)."""
