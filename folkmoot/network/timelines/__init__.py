"""Timelines: home, public, local, hashtag. Lists of posts in the order of their ids, as one viewer may see them."""
