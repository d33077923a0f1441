"""All SQL of notifications and markers, one file per purpose. This module exports the queries that others use."""

from folkmoot.network.notifications.queries.groups import count_unread, delete_group, get_group, list_groups
from folkmoot.network.notifications.queries.markers import list_markers, upsert_marker
from folkmoot.network.notifications.queries.policies import delete_policy, get_policy, lock_policy, update_policy
from folkmoot.network.notifications.queries.reading import (
    UNREAD_ON_PAGES,
    get_notification,
    list_lines,
    list_notifications,
    list_unread_on_pages,
    of_lines,
)
from folkmoot.network.notifications.queries.requests import (
    WAITING,
    allow_senders,
    count_pending,
    delete_allowed,
    delete_empty_requests_unscoped,
    delete_requests,
    get_request,
    has_request,
    list_allowed,
    list_requests,
    list_waiting_senders,
    merge_filtered,
)
from folkmoot.network.notifications.queries.writing import (
    delete_filtered,
    delete_from_network,
    delete_notifications,
    delete_of_act,
    delete_several_from_network,
    delete_some_notifications,
    insert_from_network,
    insert_notifications,
    insert_several_from_network,
    list_boosters_unscoped,
    list_notified_followers_unscoped,
    list_voters_unscoped,
    lock_act,
)

__all__ = [
    "UNREAD_ON_PAGES", "WAITING", "allow_senders", "count_pending", "count_unread", "delete_allowed",
    "delete_empty_requests_unscoped", "delete_filtered", "delete_from_network", "delete_group", "delete_notifications",
    "delete_of_act", "delete_policy", "delete_requests", "delete_several_from_network", "delete_some_notifications", "get_group",
    "get_notification", "get_policy", "get_request", "has_request", "insert_from_network", "insert_notifications",
    "insert_several_from_network", "list_allowed", "list_boosters_unscoped", "list_groups", "list_lines",
    "list_markers", "list_notifications", "list_notified_followers_unscoped", "list_requests",
    "list_unread_on_pages", "list_voters_unscoped", "list_waiting_senders", "lock_act", "lock_policy", "merge_filtered", "of_lines",
    "update_policy", "upsert_marker",
]
