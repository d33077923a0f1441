"""Announcements for apps: that the rules of the network change. There are no others.

An announcement is there from the publication of a version until 30 days after it came into force, for members who joined
before, until they dismiss it. Web pages show the same notice.
"""

from html import escape

import msgspec

from folkmoot.api import network_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses.model import PublishedPolicy, order_of
from folkmoot.moderation.clauses.published import NEWS_LASTS, news_for
from folkmoot.network.sessions.actions import change_preferences


async def index(request: Request) -> Reply:
    """What is announced: new rules. Dismissed announcements are left out."""
    news = news_for(request.account.created_at)
    if news is None or news.version == request.viewer.login.preferences.seen_rules:
        return request.json([])
    return request.json([_shape(request, news)])


async def dismiss(request: Request) -> Reply:
    """Dismisses an announcement. A second call changes nothing."""
    news = news_for(request.account.created_at)
    if news is None or request.value("id") != _id(news):
        raise NotFound
    async with request.database.write() as tx:
        await _remember(tx, request, news.version)
    return request.json({})


async def _remember(tx: WriteTx, request: Request, version: str) -> None:
    login = request.viewer.login
    await change_preferences(tx, request.viewer, msgspec.structs.replace(login.preferences, seen_rules=version), login.language)


def _id(news: PublishedPolicy) -> str:
    """Apps expect a number: the day of the version, and its number on that day in two digits."""
    day, number = order_of(news.version)
    return f"{day.replace('-', '')}{number:02}"


def _shape(request: Request, news: PublishedPolicy) -> shapes.Announcement:
    language = request.viewer.login.language
    translator = request.entities.translator(language)
    is_in_force = news.in_force_at <= clock.now()
    words = translator.sentence("We have new rules.") if is_in_force else translator.sentence(
        "The rules change: %(when)s.", {"when": translator.full(news.in_force_at)}
    )
    changes = news.policy.changes.get(language, "")
    link = f"{request.context.settings.base_url}/rules/{news.version}"
    content = [f"<p>{escape(words)}</p>", f"<p>{escape(changes)}</p>" if changes else "",
               f'<p><a href="{escape(link)}">{escape(translator.sentence("What is new"))}</a></p>']
    return shapes.Announcement(
        id=_id(news), content="".join(content), starts_at=None, ends_at=moment(news.in_force_at + NEWS_LASTS), all_day=False,
        published_at=moment(news.published_at), updated_at=moment(news.published_at), read=False, mentions=[], statuses=[], tags=[],
        emojis=[], reactions=[],
    )


ROUTES = [
    endpoint("GET", "/api/v1/announcements", index, Access.MEMBER, "read:accounts", answer=list[shapes.Announcement]),
    endpoint("POST", "/api/v1/announcements/{id}/dismiss", dismiss, Access.MEMBER, "write:accounts", answer=shapes.Nothing),
]
