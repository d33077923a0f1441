"""Conversations: direct posts, one row per participant and thread, newest first."""
