"""The journal: every step of moderation, append-only and chained by hash, so that nobody can change what happened."""
