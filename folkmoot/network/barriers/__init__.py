"""What keeps strangers out: mail providers, single addresses and IP networks. Operators set it (`moderation/members/barriers.py`); sign-up
and the front of the web processes ask it."""
