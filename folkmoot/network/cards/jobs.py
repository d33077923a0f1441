"""Fetches linked pages: a subscriber that looks for addresses in posts, the job that fetches one, and a timed one that cleans up.

Everything comes through the guarded fetcher, with limits of time and size; pictures are encoded again in the sandbox of uploads.
`app.py` registers them.
"""

import asyncio
import logging
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import Invalid, Unavailable
from folkmoot.base.file_store import FileStore
from folkmoot.base.http_client import Answer, Connect, Limit, Resolve, fetch
from folkmoot.base.queue.model import Job
from folkmoot.network.accounts.model import AccountChanged, AccountUpdated
from folkmoot.network.cards import queries
from folkmoot.network.cards.actions import forget_unused, link_post, show_creator_anew, store_preview
from folkmoot.network.cards.addresses import first_address
from folkmoot.network.cards.model import FETCH_JOB, FETCHED_AGAIN_AFTER, FetchCard, Preview
from folkmoot.network.cards.pages import MOST_BYTES_OF_PAGE, completed, preview_of
from folkmoot.network.media.actions import CardPicture, reencode_for_card
from folkmoot.network.posts.events import PostCreated, PostEdited
from folkmoot.network.posts.model import Post, PostEffect, Visibility
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.timelines.model import EDITED_POSTS_TOPIC, NewPost

_PAGE = Limit(MOST_BYTES_OF_PAGE, is_cut=True)
_DOCUMENT = Limit(64 * 1024)
_PICTURE = Limit(4 * 1024 * 1024)
_MOST_TOLD = 20  # posts that open pages and streams show anew at once
_FORGOTTEN_AT_ONCE = 100
_LIMIT = timedelta(minutes=2)
_log = logging.getLogger(__name__)


class Cards:
    """The background work of cards. `resolve` and `connect` are for tests."""

    def __init__(self, base_url: str, store: FileStore, *, resolve: Resolve | None = None, connect: Connect | None = None) -> None:
        self._base_url, self._store = base_url, store
        self._own_domain = base_url.partition("://")[2]
        self._resolve, self._connect = resolve, connect
        self.job = Job(FETCH_JOB, FetchCard, self.fetch, limit=_LIMIT)

    async def look_for_address(self, database: Database, event: PostCreated | PostEdited) -> None:
        """Gives a new or edited post the card of its first address. Only a post that everybody may see, and that covers nothing: the
        address in a private one is nobody's business, and a page that the author covers is not shown."""
        if event.boost_of_id or event.visibility > Visibility.UNLISTED:
            return
        if isinstance(event, PostCreated) and not event.may_have_address:  # what an edit adds is told by the edit
            return
        async with database.read() as conn:
            post = (await list_posts_by_ids_unscoped(conn, [event.post_id])).get(event.post_id)
        if post is None:
            return
        url = first_address(post.text, self._base_url) if _may_have_card(post) else None
        if url is not None or isinstance(event, PostEdited):
            async with database.write() as tx:
                await link_post(tx, post.id, url)

    async def show_creator_anew(self, database: Database, event: AccountChanged | AccountUpdated) -> None:
        """The cards of pages that name a member show the member's profile, as long as the member lists their sites."""
        async with database.write() as tx:
            await show_creator_anew(tx, event.account_id)

    async def fetch(self, database: Database, wanted: FetchCard) -> None:
        """Fetches an address once a day. What the site does wrong is no failure of the job: the card stays as it was for a day."""
        now = clock.now()
        async with database.write() as tx:
            url = await queries.claim_fetch(tx, wanted.card_id, now, now - FETCHED_AGAIN_AFTER)
        if url is None:
            return
        try:
            preview = await self._preview(url)
        except Unavailable as error:
            _log.info("no card of %s: %s", url, error)
            return
        picture = await self._picture(preview.picture_url) if preview.title and preview.picture_url else None
        async with database.write() as tx:
            shown = await store_preview(tx, self._store, wanted.card_id, preview, picture, self._own_domain)
        for post_id in shown[:_MOST_TOLD]:
            database.live.publish(EDITED_POSTS_TOPIC, NewPost(post_id))

    async def forget(self, database: Database) -> None:
        """Deletes cards that no post has any more. A timed job."""
        is_more = True
        while is_more:
            async with database.write() as tx:
                is_more = await forget_unused(tx, self._store, _FORGOTTEN_AT_ONCE)

    async def _preview(self, url: str) -> Preview:
        """Raises Unavailable for a page that cannot be fetched."""
        answer = await self._get(url, "text/html,application/xhtml+xml", _PAGE)
        preview = await asyncio.to_thread(preview_of, answer)
        if preview.oembed_url and not (preview.title and preview.picture_url and (preview.author_name or preview.author_url)):
            try:
                preview = completed(preview, await self._get(preview.oembed_url, "application/json", _DOCUMENT))
            except Unavailable as error:
                _log.info("no oEmbed document of %s: %s", url, error)
        return preview

    async def _picture(self, url: str) -> CardPicture | None:
        """None for a picture that cannot be fetched or opened: the card has none then."""
        try:
            answer = await self._get(url, "image/*", _PICTURE)
            return await reencode_for_card(answer.body) if answer.status == 200 and answer.body else None
        except (Unavailable, Invalid) as error:
            _log.info("no picture of a card from %s: %s", url, error)
            return None

    async def _get(self, url: str, accept: str, limit: Limit) -> Answer:
        return await fetch(url, accept=accept, limit=limit, resolve=self._resolve, connect=self._connect)


def _may_have_card(post: Post) -> bool:
    return post.effect < PostEffect.HIDDEN and not post.cover and not post.is_sensitive
