"""Subscribers and jobs of hash lists: new and edited posts and profiles, and the search for copies among earlier posts.
`moderation/assembly.py` registers them."""

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.errors import NotFound
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.base.gathering import Gathering
from folkmoot.base.subscriptions import Subscriptions
from folkmoot.moderation.detection.model import ExaminedText
from folkmoot.moderation.detection.queries import list_post_texts_unscoped, list_profile_texts_unscoped
from folkmoot.moderation.detection.texts import NewTexts, Wanted
from folkmoot.moderation.hash_lists import queries
from folkmoot.moderation.hash_lists.actions import SCAN_JOB, raise_matches
from folkmoot.moderation.hash_lists.matching import find_matches, sought_in
from folkmoot.moderation.hash_lists.model import MIN_QUALITY
from folkmoot.network.accounts.model import AccountCreated, AccountUpdated
from folkmoot.network.posts.events import PostCreated, PostEdited

_AT_ONCE = 200
NEWEST = 2**63 - 1
log = logging.getLogger(__name__)
_Pictures = Sequence[tuple[Sequence[str], FileName]]


class Scan(msgspec.Struct, frozen=True):
    """The payload of the job that searches posts older than `below`, a part at a time."""

    below: int = NEWEST


class Matcher:
    """Compares posts and profiles with all lists. `pictures`: the store of their files; `texts`: shared with others who examine posts."""

    def __init__(self, pictures: FileStore, texts: NewTexts | None = None) -> None:
        self._store = pictures
        self._texts = texts or NewTexts()
        self._gathering = Gathering(self._match_new)

    def subscribe(self, heard: Subscriptions) -> None:
        heard.on(PostCreated, self.match_created)
        heard.on(PostEdited, self.match_edited)
        heard.on(AccountCreated, self.match_new_profile)
        heard.on(AccountUpdated, self.match_changed_profile)

    async def match_created(self, database: Database, event: PostCreated) -> None:
        if event.boost_of_id is None:
            await self._gathering.add(database, Wanted(event.post_id))

    async def match_edited(self, database: Database, event: PostEdited) -> None:
        await self._gathering.add(database, Wanted(event.post_id, is_edited=True))

    async def match_new_profile(self, database: Database, event: AccountCreated) -> None:
        await self.match_profile(database, event.account_id)

    async def match_changed_profile(self, database: Database, event: AccountUpdated) -> None:
        await self.match_profile(database, event.account_id)

    async def _match_new(self, database: Database, wanted: Sequence[Wanted]) -> None:
        async with database.read() as conn:
            texts = await self._texts.read(conn, wanted)
        await self._match_posts(database, texts)

    async def _match_posts(self, database: Database, texts: Sequence[ExaminedText]) -> int:
        """Raises the signals of posts; returns how many posts are known to a list. Hashes their pictures in any case, so that
        they can be added to a list later."""
        async with database.read() as conn:
            with_pictures = [text.subject_id for text in texts if text.has_pictures]
            pictures = await queries.list_files_unscoped(conn, with_pictures) if with_pictures else {}
            is_worth_it = await queries.has_entries(conn)
        met = 0
        for text in texts:
            hashes = await self._hash(database, pictures.get(text.subject_id, []))
            if is_worth_it:
                met += await self._match(database, text, pictures.get(text.subject_id, []), hashes)
        return met

    async def match_profile(self, database: Database, account_id: int) -> None:
        async with database.read() as conn:
            if not await queries.has_entries(conn):
                return
            texts = await list_profile_texts_unscoped(conn, [account_id])
            pictures = await queries.list_picture_files_unscoped(conn, account_id)
        for text in texts:
            shown = "\n".join([text.text, *(hashes[-1] for hashes, _ in pictures)])  # another picture is another profile
            await self._match(database, msgspec.structs.replace(text, text=shown), pictures, await self._hash(database, pictures))

    async def _match(self, database: Database, text: ExaminedText, pictures: _Pictures, hashes: Sequence[int]) -> int:
        sought = sought_in(text, [value for values, _ in pictures for value in values], hashes)
        async with database.read() as conn:
            matches = await find_matches(conn, sought)
        if matches:
            async with database.write() as tx:
                await raise_matches(tx, text, matches)
        return bool(matches)

    async def _hash(self, database: Database, pictures: _Pictures) -> list[int]:
        """The perceptual hashes of pictures with enough structure. Each file is hashed once."""
        files = [file for _, file in pictures]
        if not files:
            return []
        async with database.read() as conn:
            known = await queries.list_picture_hashes(conn, [file.sha256 for file in files])
        for file in files:
            if file.sha256 not in known:
                with suppress(FileNotFoundError, NotFound):  # removed meanwhile
                    content = b"".join([part async for part in self._store.read(file)])
                    known[file.sha256] = value, quality = await asyncio.to_thread(_hash_picture, content)
                    async with database.write() as tx:
                        await queries.insert_picture_hash(tx, file.sha256, value, quality)
        return [value for value, quality in known.values() if quality >= MIN_QUALITY]

    async def scan(self, database: Database, order: Scan) -> None:
        """Compares earlier posts with the lists, from the newest to the oldest, so that copies of what was just removed are
        found. Continues as a new job after each part."""
        async with database.read() as conn:
            post_ids = await queries.list_post_ids_before(conn, order.below, _AT_ONCE)
            texts = await list_post_texts_unscoped(conn, post_ids) if post_ids else []
        if not post_ids:
            return
        met = await self._match_posts(database, texts)
        if met:
            log.info("%d of %d earlier posts are known to a hash list", met, len(post_ids))
        async with database.write() as tx:
            tx.enqueue(SCAN_JOB, Scan(below=post_ids[-1]))


def _hash_picture(content: bytes) -> tuple[int, int]:
    """Imported with the first picture, so web processes load no numpy."""
    from folkmoot.moderation.hash_lists.pdq import hash_picture

    return hash_picture(content)
