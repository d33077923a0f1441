"""All SQL of timelines: `pages` and `home_pages` read them, with what they share in `parts`; `chosen` reads single posts as entries,
`homes` maintains the stored homes, `recipients` selects who receives a new post."""

from folkmoot.network.timelines.queries.chosen import find_entry, list_entries
from folkmoot.network.timelines.queries.home_pages import get_home, get_homes
from folkmoot.network.timelines.queries.pages import get_hashtag, get_link, get_list_timeline, get_public

__all__ = ["find_entry", "get_hashtag", "get_home", "get_homes", "get_link", "get_list_timeline", "get_public", "list_entries"]
