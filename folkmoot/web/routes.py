"""All routes of the web application, in one table."""

from folkmoot.web import (
    about,
    accounts,
    domain_blocks,
    email_address,
    embeds,
    featured,
    filters,
    followed_tags,
    journal,
    jury,
    jury_review,
    leaving,
    lifeboat,
    lists,
    live,
    media,
    messages,
    notices,
    notification_requests,
    notifications,
    oauth,
    posts,
    push,
    reports,
    rules,
    scheduled,
    search,
    sessions,
    settings,
    statements,
    suggestions,
    timelines,
    waiting,
    writing,
)
from folkmoot.web.moderate.routes import ROUTES as PAGES_OF_MODERATORS
from folkmoot.web.transparency.pages import ROUTES as PAGES_OF_TRANSPARENCY

ROUTES = [
    *timelines.ROUTES, *writing.ROUTES, *posts.ROUTES, *accounts.ROUTES, *sessions.ROUTES, *settings.ROUTES, *push.ROUTES,
    *notifications.ROUTES, *notification_requests.ROUTES, *messages.ROUTES, *search.ROUTES, *suggestions.ROUTES, *oauth.ROUTES,
    *media.ROUTES, *about.ROUTES, *live.ROUTES, *reports.ROUTES, *statements.ROUTES, *notices.ROUTES, *journal.ROUTES,
    *leaving.ROUTES, *email_address.ROUTES, *waiting.ROUTES, *lists.ROUTES, *domain_blocks.ROUTES, *scheduled.ROUTES, *filters.ROUTES,
    *featured.ROUTES, *followed_tags.ROUTES, *lifeboat.ROUTES, *rules.ROUTES, *jury.ROUTES, *jury_review.ROUTES, *embeds.ROUTES,
    *PAGES_OF_MODERATORS, *PAGES_OF_TRANSPARENCY,
]
