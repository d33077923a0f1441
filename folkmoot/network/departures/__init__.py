"""Departures: members who delete their account. It is hidden at once, and removed after half an hour, in batches."""
