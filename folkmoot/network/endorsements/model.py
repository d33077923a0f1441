"""How many accounts a profile recommends. No input or output."""

MOST_ENDORSED = 40
ON_PROFILE = 4  # shown on the first page of a profile; the others on a page of their own
