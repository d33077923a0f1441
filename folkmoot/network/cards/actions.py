"""Gives posts their cards, and stores what was fetched."""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.file_store import FileStore
from folkmoot.network.cards import queries
from folkmoot.network.cards.model import FETCH_JOB, FETCHED_AGAIN_AFTER, FetchCard, Preview
from folkmoot.network.media.actions import CardPicture, remove_card_picture, store_card_picture
from folkmoot.network.posts.queries.writing import raise_version, raise_versions

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


async def store_preview(tx: WriteTx, store: FileStore, card_id: int, preview: Preview, picture: CardPicture | None) -> list[int]:
    """Stores what a page says, with a copy of its picture. Returns the newest posts that show it, whose versions are raised."""
    before, is_there = await queries.lock_picture(tx, card_id)
    if not is_there:
        return []
    picture_id = await store_card_picture(tx, store, picture, preview.picture_description) if picture else None
    await queries.update_card(tx, card_id, preview, picture_id)
    if before is not None:
        await remove_card_picture(tx, store, before)
    shown = await queries.list_posts_with(tx, card_id, _MOST_SHOWN_ANEW)
    await raise_versions(tx, shown)
    return shown


async def forget_unused(tx: WriteTx, store: FileStore, most: int) -> bool:
    """Deletes cards that no post has any more, with their pictures. Returns False when none are left."""
    pictures = await queries.delete_unused(tx, clock.now() - FETCHED_AGAIN_AFTER, most)
    for media_id in pictures:
        if media_id is not None:
            await remove_card_picture(tx, store, media_id)
    return len(pictures) == most
