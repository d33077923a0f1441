"""Restrictions: the measures of verdicts. These rows are authoritative; posts and accounts store only the resulting effect."""
