"""Pages of moderators: the overview and the case."""
