"""All SQL of posts, one file per purpose. This module exports the queries that other packages use."""

from folkmoot.network.posts.queries.deleted import find_deleted_unscoped, list_reportable, list_unseen_mentions, list_versions
from folkmoot.network.posts.queries.history import Edit, list_edits
from folkmoot.network.posts.queries.marking import list_boosters, list_favouriters, list_marked_ids
from folkmoot.network.posts.queries.material import NOTHING_TO_QUOTE
from folkmoot.network.posts.queries.of_account import list_account_post_ids, list_withheld_boosts
from folkmoot.network.posts.queries.polls import find_poll_post_id
from folkmoot.network.posts.queries.quoting import list_quote_facts, list_quoting_ids, list_quoting_posts_unscoped
from folkmoot.network.posts.queries.reading import (
    Surroundings,
    Thread,
    get_fresh_view,
    get_post_view,
    get_surroundings,
    get_view_taken_back,
    list_post_views,
    list_posts_by_ids_unscoped,
    list_thread_ids,
    list_views_unscoped,
    thread_of,
)
from folkmoot.network.posts.queries.showing import is_unchanged

__all__ = [
    "NOTHING_TO_QUOTE", "Edit", "Surroundings", "Thread", "find_deleted_unscoped", "find_poll_post_id", "get_fresh_view", "get_post_view",
    "get_surroundings", "get_view_taken_back", "is_unchanged", "list_account_post_ids", "list_boosters", "list_edits",
    "list_favouriters", "list_marked_ids", "list_post_views", "list_posts_by_ids_unscoped", "list_quote_facts", "list_quoting_ids",
    "list_quoting_posts_unscoped", "list_reportable", "list_thread_ids",
    "list_unseen_mentions", "list_versions", "list_views_unscoped", "list_withheld_boosts", "thread_of",
]
