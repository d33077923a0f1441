"""Evidence: what was reported and decided about, kept for those who decide, whatever its author does with it since."""
