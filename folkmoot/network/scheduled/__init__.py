"""Scheduled posts: drafts that are published at a set time. Only their author sees them."""
