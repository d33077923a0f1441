"""Brings another release onto this host while the network runs, and back."""
