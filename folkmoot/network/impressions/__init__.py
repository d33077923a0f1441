"""How often posts are delivered to members, so that a sample can be drawn of what is seen. Counts only: not who saw what."""
