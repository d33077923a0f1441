"""Moves the database of this host to a server of another major version of PostgreSQL, by logical replication."""
