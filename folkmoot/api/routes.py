"""Every address of the client API, in one table."""

from folkmoot.api import (
    accounts,
    apps,
    conversations,
    discovery,
    instance,
    markers,
    media,
    notification_groups,
    notifications,
    polls,
    relations,
    reports,
    search,
    sign_up,
    statuses,
    timelines,
)

ROUTES = [
    *timelines.ROUTES, *statuses.ROUTES, *accounts.ROUTES, *relations.ROUTES, *reports.ROUTES, *media.ROUTES, *polls.ROUTES,
    *notifications.ROUTES, *notification_groups.ROUTES, *markers.ROUTES, *conversations.ROUTES, *search.ROUTES, *instance.ROUTES,
    *apps.ROUTES, *discovery.ROUTES, *sign_up.ROUTES,
]
