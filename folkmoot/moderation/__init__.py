"""Order: what finds, weighs and decides what may not stay, and tells the people it concerns.

Each noun is a package with the same file names as those of the network. Nothing here is known to the network, which
only knows that a post is restricted, not why.
"""
