"""Every address of the client API, in one table."""

from folkmoot.api import accounts, apps, instance, media, notifications, polls, relations, search, statuses, timelines

ROUTES = [
    *timelines.ROUTES, *statuses.ROUTES, *accounts.ROUTES, *relations.ROUTES, *media.ROUTES, *polls.ROUTES, *notifications.ROUTES,
    *search.ROUTES, *instance.ROUTES, *apps.ROUTES,
]
