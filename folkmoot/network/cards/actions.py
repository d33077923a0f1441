"""Gives posts their cards, and stores what was fetched."""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.file_store import FileStore
from folkmoot.base.handles import handle_of
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.cards import queries
from folkmoot.network.cards.addresses import host_of
from folkmoot.network.cards.model import FETCH_JOB, FETCHED_AGAIN_AFTER, FetchCard, Preview
from folkmoot.network.media.actions import CardPicture, remove_card_picture, store_card_picture
from folkmoot.network.posts.queries.writing import raise_version, raise_versions, raise_versions_by_creator

_LONGEST_DELAY = 5000  # milliseconds: the site is not to learn from the time of the fetch who has posted its address
_MOST_SHOWN_ANEW = 1000  # posts whose cached renderings are made again at once; older ones within a day


async def link_post(tx: WriteTx, post_id: int, url: str | None) -> None:
    """Gives a post the card of an address, or (None) takes it away. Enqueues its fetch, with a delay at random, unless it was fetched
    within a day. Doing it twice is harmless."""
    if url is None:
        if await queries.detach_card(tx, post_id):
            await raise_version(tx, post_id)
        return
    now = clock.now()
    card = await queries.find_known(tx, url) or await queries.insert_card(tx, ids.make_id(0, now), url)
    if await queries.attach_card(tx, post_id, card.id):
        await raise_version(tx, post_id)
    if card.fetched_at is None or card.fetched_at < now - FETCHED_AGAIN_AFTER:
        tx.enqueue(FETCH_JOB, FetchCard(card.id), timedelta(milliseconds=1000 + clock.draw(_LONGEST_DELAY)))


async def store_preview(
    tx: WriteTx, store: FileStore, card_id: int, preview: Preview, picture: CardPicture | None, own_domain: str
) -> list[int]:
    """Stores what a page says, with a copy of its picture. Returns the newest posts that show it, whose versions are raised.

    The member whom the page names is shown while the member lists the host of the address and that of the page: who can redirect to an
    article must not seem to be a site of its author (decision 0118).
    """
    locked = await queries.lock_card(tx, card_id)
    if locked is None:
        return []
    url, before = locked
    picture_id = await store_card_picture(tx, store, picture, preview.picture_description) if picture else None
    creator = await _find_member(tx, preview.creator, own_domain)
    hosts = dict.fromkeys([host_of(url), preview.host or host_of(url)])
    await queries.update_card(tx, card_id, preview, picture_id, creator.id if creator else None, list(hosts))
    if before is not None:
        await remove_card_picture(tx, store, before)
    shown = await queries.list_posts_with(tx, card_id, _MOST_SHOWN_ANEW)
    await raise_versions(tx, shown)
    return shown


async def show_creator_anew(tx: WriteTx, account_id: int) -> None:
    """Raises the versions of posts whose card names an account, because its profile or its list of sites has changed."""
    await raise_versions_by_creator(tx, account_id)


async def _find_member(conn: ReadConn, handle: str, own_domain: str) -> Account | None:
    """The member with a handle like `@jana@this.network`. A handle without a network may mean anybody."""
    if "@" not in handle.removeprefix("@"):
        return None
    found = handle_of(handle, own_domain)
    return None if found.domain else await find_account_by_name(conn, found.name)


async def forget_unused(tx: WriteTx, store: FileStore, most: int) -> bool:
    """Deletes cards that no post has any more, with their pictures. Returns False when none are left."""
    pictures = await queries.delete_unused(tx, clock.now() - FETCHED_AGAIN_AFTER, most)
    for media_id in pictures:
        if media_id is not None:
            await remove_card_picture(tx, store, media_id)
    return len(pictures) == most
