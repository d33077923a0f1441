"""Trends: hashtags, links and posts that many people talk about at once (decision 0118)."""
