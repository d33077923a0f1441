"""Suggestions: whom a member could follow, found anew for each request from whom they follow already."""
