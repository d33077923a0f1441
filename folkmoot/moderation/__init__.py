"""Moderation: detection, reports, cases, verdicts, restrictions, statements and appeals, and the journal of all of it.

Each noun is a package with the same file names as those of the network. Nothing here is known to the network, which
only knows that a post is restricted, not why.
"""
