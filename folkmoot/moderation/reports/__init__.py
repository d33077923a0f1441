"""Reports: a member points to a post or an account. Any number of them join one case."""
