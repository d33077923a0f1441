"""Cases: one subject (a post or an account) with all that speaks about it, whatever the number of reports."""
