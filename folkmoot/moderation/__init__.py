"""Moderation: detection, reports, cases, verdicts, restrictions, statements, appeals and the journal.

Each noun is a package with the same file names as in `folkmoot/network`. The network does not import anything from here:
it knows that a post is restricted, not why.
"""
