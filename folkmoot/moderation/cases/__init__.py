"""Cases: one subject (a post or an account) with all its reports and signals."""
