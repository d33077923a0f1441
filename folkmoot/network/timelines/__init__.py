"""Timelines: home, public, local, hashtag. Lists of the posts that one viewer may see, in the order of their ids."""
