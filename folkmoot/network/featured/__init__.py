"""Hashtags that members show on their profiles, each leading to what they wrote about it."""
