"""Pages of moderators, and those of operators for sign-ups, contacts and copies."""
