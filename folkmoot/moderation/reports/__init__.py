"""Reports: complaints of members about posts and accounts. All reports about one subject join one case."""
