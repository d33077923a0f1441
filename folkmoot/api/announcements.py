"""Announcements for apps: that the rules of the network change. There are no others.

An announcement is there from the publication of a version until 30 days after it came into force, for members who joined
before, until they dismiss it. Web pages show the same notice.
"""

import msgspec

from folkmoot.api import network_shapes as shapes
from folkmoot.api.announcement_entities import announcement_entity, announcement_id
from folkmoot.api.endpoints import endpoint
from folkmoot.api.request import Request
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.moderation.clauses import actions
from folkmoot.moderation.clauses.model import PublishedPolicy
from folkmoot.moderation.clauses.published import news_for
from folkmoot.moderation.clauses.queries import list_reactions
from folkmoot.network.sessions.actions import change_preferences


async def index(request: Request) -> Reply:
    """What is announced: new rules. Dismissed announcements are left out."""
    news = news_for(request.account.created_at)
    if news is None or news.version == request.viewer.login.preferences.seen_rules:
        return request.json([])
    async with request.database.read() as conn:
        reactions = await list_reactions(conn, news.version, request.viewer.id)
    translator = request.entities.translator(request.viewer.login.language)
    return request.json([announcement_entity(translator, request.context.settings.base_url, news, reactions)])


async def dismiss(request: Request) -> Reply:
    """Dismisses an announcement. A second call changes nothing."""
    news = _news(request)
    async with request.database.write() as tx:
        await _remember(tx, request, news.version)
    return request.json({})


async def add_reaction(request: Request) -> Reply:
    """Reacts to an announcement with an emoji. A second call changes nothing."""
    news = _news(request)
    async with request.database.write() as tx:
        await actions.react(tx, request.account, news, request.value("name"))
    return request.json({})


async def remove_reaction(request: Request) -> Reply:
    """Takes a reaction back."""
    news = _news(request)
    async with request.database.write() as tx:
        await actions.take_reaction_back(tx, request.account, news, request.value("name"))
    return request.json({})


def _news(request: Request) -> PublishedPolicy:
    """The announcement in the path. Raises NotFound."""
    news = news_for(request.account.created_at)
    if news is None or request.value("id") != announcement_id(news.version):
        raise NotFound
    return news


async def _remember(tx: WriteTx, request: Request, version: str) -> None:
    login = request.viewer.login
    await change_preferences(tx, request.viewer, msgspec.structs.replace(login.preferences, seen_rules=version), login.language)


ROUTES = [
    endpoint("GET", "/api/v1/announcements", index, Access.MEMBER, "read:accounts", answer=list[shapes.Announcement]),
    endpoint("POST", "/api/v1/announcements/{id}/dismiss", dismiss, Access.MEMBER, "write:accounts", answer=shapes.Nothing),
    *(
        endpoint(
            method, "/api/v1/announcements/{id}/reactions/{name}", handler, Access.MEMBER, "write:favourites", answer=shapes.Nothing
        )
        for method, handler in (("PUT", add_reaction), ("DELETE", remove_reaction))
    ),
]
