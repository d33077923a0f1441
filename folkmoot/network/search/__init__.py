"""Search of accounts, hashtags and posts, without case and diacritics. A separate search engine could replace this module."""
