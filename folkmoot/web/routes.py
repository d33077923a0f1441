"""All routes of the web application, in one table."""

from folkmoot.web import (
    about,
    accounts,
    email_address,
    featured,
    journal,
    leaving,
    lifeboat,
    lists,
    live,
    media,
    messages,
    notices,
    notifications,
    oauth,
    posts,
    reports,
    rules,
    search,
    sessions,
    settings,
    statements,
    timelines,
    waiting,
    writing,
)
from folkmoot.web.moderate import (
    alike,
    automatic_rules,
    cases,
    contacts,
    copies,
    hashes,
    holds,
    preferences,
    proposals,
    samples,
    sign_ups,
    statistics,
    templates,
    together,
)
from folkmoot.web.moderate import notices as received_notices

ROUTES = [
    *timelines.ROUTES, *writing.ROUTES, *posts.ROUTES, *accounts.ROUTES, *sessions.ROUTES, *settings.ROUTES,
    *notifications.ROUTES, *messages.ROUTES, *search.ROUTES, *oauth.ROUTES, *media.ROUTES, *about.ROUTES, *live.ROUTES,
    *reports.ROUTES, *statements.ROUTES, *cases.ROUTES, *sign_ups.ROUTES, *templates.ROUTES, *alike.ROUTES, *copies.ROUTES,
    *notices.ROUTES, *received_notices.ROUTES, *contacts.ROUTES, *journal.ROUTES, *leaving.ROUTES, *email_address.ROUTES,
    *waiting.ROUTES, *lists.ROUTES, *featured.ROUTES, *lifeboat.ROUTES, *rules.ROUTES, *hashes.ROUTES, *automatic_rules.ROUTES,
    *samples.ROUTES, *proposals.ROUTES, *holds.ROUTES, *preferences.ROUTES, *together.ROUTES, *statistics.ROUTES,
]
