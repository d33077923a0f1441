"""All SQL of timelines: `pages` reads them, `homes` maintains the stored homes, `recipients` selects who receives a new post."""

from folkmoot.network.timelines.queries.pages import get_hashtag, get_home, get_link, get_list_timeline, get_public

__all__ = ["get_hashtag", "get_home", "get_link", "get_list_timeline", "get_public"]
