"""Accounts: profiles, names and counts. Log-ins and tokens are in `sessions`, follows in `relations`."""
