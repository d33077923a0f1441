"""Notifications, and markers of how far a member has read."""
