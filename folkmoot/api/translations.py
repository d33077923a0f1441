"""Translations of public posts by the service that the operator has chosen; without one nothing is translated."""

from typing import Annotated

from folkmoot.api import status_shapes as shapes
from folkmoot.api.endpoints import endpoint
from folkmoot.api.parameters import Parameters, about
from folkmoot.api.request import Request
from folkmoot.http.replies import Reply
from folkmoot.http.routing import Access
from folkmoot.network.posts.queries import get_post_view


class Wanted(Parameters, frozen=True, kw_only=True):
    lang: Annotated[str | None, about("The language to translate into. Absent: that of the member.", maxLength=35)] = None


async def translate(request: Request, params: Wanted) -> Reply:
    """A public status in another language. 404 without a service, or between languages that it does not know; 403 for a status that
    not everybody may see; 503 if the service does not answer."""
    async with request.database.read() as conn:
        post = (await get_post_view(conn, request.id(), request.viewer.id)).shown
    found = await request.context.translations.translate(post, params.lang or request.viewer.login.language)
    options = [shapes.TranslatedOption(title=title) for title in found.titles]
    return request.json(shapes.StatusTranslation(
        content=found.html, spoiler_text=found.cover, language=found.language, detected_source_language=found.source,
        provider=found.provider, poll=shapes.TranslatedPoll(id=str(post.poll.id), options=options) if post.poll else None,
        media_attachments=[
            shapes.TranslatedMedia(id=str(picture.id), description=words)
            for picture, words in zip(post.pictures, found.descriptions, strict=True)
        ],
    ))


async def languages(request: Request) -> Reply:
    """For each language, into which others posts are translated. Empty without a service."""
    return request.json(await request.context.translations.languages())


ROUTES = [
    endpoint(
        "POST", "/api/v1/statuses/{id}/translate", translate, Access.MEMBER, "read:statuses", limit="translate", params=Wanted,
        answer=shapes.StatusTranslation,
    ),
    endpoint("GET", "/api/v1/instance/translation_languages", languages, Access.PUBLIC, answer=dict[str, list[str]]),
]
