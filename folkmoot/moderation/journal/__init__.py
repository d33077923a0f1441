"""The journal: an append-only log of all steps of moderation, chained by hash, so that every change is detected."""
