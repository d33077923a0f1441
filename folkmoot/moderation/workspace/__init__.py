"""The room of moderators: a case with everything around it, whose turn it is, care for those who decide, and figures of the queue."""
