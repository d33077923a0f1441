"""Backup, restore and hosts: copies the data of a whole network without interpreting posts."""
