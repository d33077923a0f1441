"""Certificates of HTTPS that travel with the network, between Caddy's storage and the secrets that hosts and backups share.

Caddy and the network are two users that cannot read each other's files. `keeper.py` is a small program of Caddy's user behind
a socket that only the network's user can open; `exchange.py` asks it. `storage.py` reads and writes Caddy's folder.
"""
