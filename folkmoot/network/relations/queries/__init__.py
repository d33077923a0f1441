"""All SQL of relations, one file per purpose. This module exports the queries that others use."""

from folkmoot.network.relations.queries.distance import (
    delete_block,
    delete_mute,
    delete_other_relations,
    insert_block,
    upsert_mute,
    upsert_note,
)
from folkmoot.network.relations.queries.following import (
    count_follows,
    delete_ended_follows,
    delete_follow,
    delete_pulled_authors,
    delete_request,
    delete_some_follows,
    insert_follow,
    insert_pulled_authors,
    update_follow,
    upsert_request,
)
from folkmoot.network.relations.queries.locks import (
    lock_pair,
    lock_pairs_shared,
)
from folkmoot.network.relations.queries.reading import (
    count_requests,
    domain_blocked_sql,
    get_relation,
    is_domain_blocked,
    list_blocking,
    list_followed_among,
    list_related,
    list_relations,
    list_requesters_unscoped,
    list_shared_followers,
    unblocked_sql,
)

__all__ = [
    "count_follows", "count_requests", "delete_block", "delete_ended_follows", "delete_follow", "delete_mute",
    "delete_other_relations", "delete_pulled_authors", "delete_request", "delete_some_follows", "domain_blocked_sql",
    "get_relation", "insert_block", "insert_follow", "insert_pulled_authors", "is_domain_blocked", "list_blocking",
    "list_followed_among", "list_related", "list_relations", "list_requesters_unscoped", "list_shared_followers", "lock_pair",
    "lock_pairs_shared", "unblocked_sql", "update_follow", "upsert_mute", "upsert_note", "upsert_request",
]
