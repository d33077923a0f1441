"""Accounts: who speaks. Profiles, names, counts. Log-ins and tokens are in `sessions`, follows in `relations`."""
