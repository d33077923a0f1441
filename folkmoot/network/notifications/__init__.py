"""Notifications: what somebody is told of, and how far it was read."""
