"""The planned move: another host becomes the primary, and no acknowledged write is lost."""
