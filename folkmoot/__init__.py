"""Folkmoot: a social network that can be picked up and moved, and that is moderated well enough to be left alone."""

__version__ = "0.1.0"
