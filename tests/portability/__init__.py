"""Backups, restores and drills: with restic and PostgreSQL, as an operator runs them."""
