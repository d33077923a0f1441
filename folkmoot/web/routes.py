"""All routes of the web application, in one table."""

from folkmoot.web import (
    about,
    accounts,
    live,
    media,
    notifications,
    oauth,
    posts,
    reports,
    search,
    sessions,
    settings,
    statements,
    timelines,
    writing,
)
from folkmoot.web.moderate import cases

ROUTES = [
    *timelines.ROUTES, *writing.ROUTES, *posts.ROUTES, *accounts.ROUTES, *sessions.ROUTES, *settings.ROUTES,
    *notifications.ROUTES, *search.ROUTES, *oauth.ROUTES, *media.ROUTES, *about.ROUTES, *live.ROUTES, *reports.ROUTES, *statements.ROUTES,
    *cases.ROUTES,
]
