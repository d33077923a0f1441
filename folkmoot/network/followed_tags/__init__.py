"""Hashtags that members follow. `timelines/rules.py` decides which posts they bring home."""
