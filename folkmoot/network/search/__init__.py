"""Search of accounts, hashtags and posts, without case and diacritics. An engine of its own can take this place."""
