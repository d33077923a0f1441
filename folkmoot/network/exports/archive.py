"""Writes the archive of a member: posts, pictures and lists, in the layout of Mastodon's archives.

    README.txt                what is in here
    actor.json  outbox.json  likes.json  bookmarks.json      ActivityStreams
    avatar.jpg  header.jpg    media/                         pictures
    following_accounts.csv  muted_accounts.csv  …            lists, which other servers can import
    account.json  filters.json                               e-mail address, settings, notes about others; filters
    scheduled.json            posts that are not published yet
    statements.json  reports.json  jury.json  jury_seats.json      what moderation stores of the member

Everything is read and written in small parts, so an archive of any size needs little memory. Compressing runs in a thread.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile, ZipInfo

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database, ReadConn
from folkmoot.base.file_store import FileStore
from folkmoot.base.paging import Page
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.exports import documents, lists
from folkmoot.network.exports.model import Addresses, picture_path
from folkmoot.network.exports.queries import file_from, pages
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped
from folkmoot.network.sessions.queries import find_login

_POSTS_AT_ONCE = 100
_README = """\
This is a copy of everything that belongs to @{name} on {domain}, made on {when:%Y-%m-%d %H:%M} UTC.

outbox.json             your posts, boosts and messages (ActivityStreams)
media/                  your pictures; the posts in outbox.json name them
likes.json              the posts that you liked
bookmarks.json          the posts that you bookmarked; also bookmarks.csv
actor.json              your profile, with avatar and header beside it
account.json            your e-mail address, settings, and notes about others
filters.json            words and posts that you filter
scheduled.json          posts that you have scheduled
statements.json         decisions about you, with their reasons
reports.json            what you reported
jury.json               your record as a juror, and your answers to questions whose answer was known
jury_seats.json         the juries for which you were drawn, and your answers; about half a year back, without what still waits for you
*.csv                   whom and what you follow, whom you mute and block, and who follows you. Other servers import these files
"""

Parts = AsyncIterator[bytes]
# Lists a page of what another part stores of a member, newest first; each item has an id.
Chapter = Callable[[ReadConn, int, Page], Awaitable[Sequence[Any]]]


class Archive:
    """Writes one archive into a file of this machine."""

    def __init__(
        self, database: Database, store: FileStore, urls: Addresses, domain: str, chapters: Mapping[str, Chapter], account_id: int
    ) -> None:
        self._database = database
        self._store = store
        self._urls = urls
        self._domain = domain
        self._chapters = chapters
        self._account_id = account_id

    async def write(self, target: Path) -> None:
        async with self._database.read() as conn:
            account = await get_account(conn, self._account_id)
        readme = _README.format(name=account.username, domain=self._domain, when=clock.now())
        with ZipFile(target, "w", ZIP_DEFLATED, strict_timestamps=False) as archive:
            await self._add(archive, "README.txt", _one(readme.encode()))
            await self._add(archive, "outbox.json", self._collection("outbox.json", self._activities()))
            await self._add(archive, "likes.json", self._collection("likes.json", self._uris("favourites")))
            await self._add(archive, "bookmarks.json", self._collection("bookmarks.json", self._uris("bookmarks")))
            for file in lists.LISTS:
                parts = lists.write_list(self._database, file, self._account_id, self._domain, self._urls.base)
                await self._add(archive, file, parts)
            for file, chapter in self._chapters.items():
                await self._add(archive, file, self._chapter(chapter))
            await self._add(archive, "account.json", _one(_encoded(await self._account(account))))
            shown = await self._add_pictures(archive, account)
            actor = documents.actor(account, self._urls, shown.get("avatar"), shown.get("header"))
            await self._add(archive, "actor.json", _one(_encoded(actor)))

    async def _add(self, archive: ZipFile, name: str, parts: Parts, method: int = ZIP_DEFLATED) -> None:
        entry = ZipInfo(name, clock.now().timetuple()[:6])
        entry.compress_type = method
        with archive.open(entry, "w", force_zip64=True) as stream:
            async for part in parts:
                await asyncio.to_thread(stream.write, part)

    async def _add_pictures(self, archive: ZipFile, account: Account) -> dict[str, str]:
        """Adds all pictures. Returns the paths of avatar and header. A picture whose file is lost is left out."""
        shown: dict[str, str] = {}
        async for rows in pages(self._database, "pictures", self._account_id):
            for row in rows:
                file = file_from(row)
                if await self._store.size(file.name) is None:
                    continue
                path = picture_path(file.id, file.mime)
                for what, key in (("avatar", account.avatar_key), ("header", account.header_key)):
                    if key and row["url_key"] == key:
                        path = shown[what] = f"{what}.{path.rpartition('.')[2]}"
                await self._add(archive, path, self._store.read(file.name), ZIP_STORED)
        return shown

    async def _collection(self, name: str, items: AsyncIterator[list[Any]]) -> Parts:
        """An OrderedCollection, oldest first, whose number of items follows them."""
        yield b'{"@context":' + _encoded(documents.CONTEXT) + b',"id":"%s","type":"OrderedCollection","orderedItems":[' % name.encode()
        total = 0
        async for some in items:
            yield b",".join([b""] * bool(total) + [_encoded(item) for item in some])
            total += len(some)
        yield b'],"totalItems":%d}' % total

    async def _activities(self) -> AsyncIterator[list[Any]]:
        async for rows in pages(self._database, "posts", self._account_id):
            for start in range(0, len(rows), _POSTS_AT_ONCE):
                ids = [row["key"] for row in rows[start : start + _POSTS_AT_ONCE]]
                async with self._database.read() as conn:
                    posts = await list_posts_by_ids_unscoped(conn, ids)
                    named = {id_ for post in posts.values() for id_ in (post.reply_to_id, post.boost_of_id, post.quoted_id) if id_}
                    others = {**posts, **await list_posts_by_ids_unscoped(conn, list(named - posts.keys()))}
                if some := [documents.activity(posts[id_], self._urls, others) for id_ in ids if id_ in posts]:
                    yield some

    async def _uris(self, name: str) -> AsyncIterator[list[Any]]:
        async for rows in pages(self._database, name, self._account_id):
            yield [lists.post_uri(row, self._urls.base) for row in rows]

    async def _chapter(self, chapter: Chapter) -> Parts:
        """A JSON list, newest first."""
        page, found = Page(limit=_POSTS_AT_ONCE), 0
        yield b"["
        while True:
            async with self._database.read() as conn:
                items = await chapter(conn, self._account_id, page)
            yield b",".join([b""] * bool(found and items) + [msgspec.json.encode(item) for item in items])
            found += len(items)
            if len(items) < _POSTS_AT_ONCE:
                break
            page = Page(limit=_POSTS_AT_ONCE, max_id=items[-1].id)
        yield b"]"

    async def _account(self, account: Account) -> dict[str, Any]:
        async with self._database.read() as conn:
            login = await find_login(conn, account.id)
        notes = [
            {"account": f"{row['username']}@{row['domain'] or self._domain}", "text": row["text"]}
            async for rows in pages(self._database, "notes", account.id) for row in rows
        ]
        return {
            "account": f"{account.username}@{self._domain}", "created_at": account.created_at.isoformat(),
            "email": login.email if login else None, "language": login.language if login else None,
            "role": login.role if login else None, "settings": msgspec.to_builtins(login.preferences) if login else {}, "notes": notes,
        }


async def _one(content: bytes) -> Parts:
    yield content


def _encoded(document: object) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()
