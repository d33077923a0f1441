"""Asking for an archive, writing it, and removing it."""

import asyncio
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from folkmoot.base import clock, ids
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import TooMany
from folkmoot.base.file_store import FileName, FileStore
from folkmoot.network.exports import queries
from folkmoot.network.exports.archive import Archive, Chapter
from folkmoot.network.exports.model import KEPT_FOR, LEFT_OVER_AFTER, LIFECYCLE, WRITE_JOB, Addresses, Export, State, Wanted
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.sessions.queries import find_login


async def ask_for_export(tx: WriteTx, viewer: Viewer) -> None:
    """Asks for an archive of everything that belongs to the viewer. Suspended members may too (GDPR Art. 20).

    Raises TooMany within a day after the last one.
    """
    await queries.lock_owner(tx, viewer.id)
    newest = await queries.find_newest(tx, viewer.id)
    if newest and newest.next_at > clock.now():
        raise TooMany(
            "You can ask for one archive a day. Please try again tomorrow.",
            retry_after=(newest.next_at - clock.now()).total_seconds(),
        )
    export_id = ids.make_id(ids.shard_of(viewer.id))
    await queries.insert_export(tx, export_id, viewer.id, LIFECYCLE.first)
    tx.enqueue(WRITE_JOB, Wanted(export_id))


async def remove_exports_of(tx: WriteTx, store: FileStore, account_id: int) -> bool:
    """Removes all exports of an account that leaves. Returns False: nothing is left."""
    await _remove_unused(tx, store, await queries.delete_exports_of(tx, account_id))
    return False


async def _remove_unused(tx: WriteTx, store: FileStore, files: list[FileName]) -> None:
    """Two archives with the same content are one file."""
    for file in files:
        if not await queries.has_file(tx, file):
            await store.remove(file)


@dataclass(frozen=True)
class Exporter:
    """Writes archives. `pictures` holds those of posts, `exports` the archives; `folder`: where unfinished ones are. `chapters`:
    further files, of parts that stand above the network."""

    pictures: FileStore
    exports: FileStore
    folder: Path
    urls: Addresses
    domain: str
    chapters: Mapping[str, Chapter]

    async def write(self, database: Database, wanted: Wanted) -> None:
        """Writes an archive, and tells the member. A job: a run after an interrupted one begins again."""
        async with database.read() as conn:
            export = await queries.find_wanted(conn, wanted.export_id)
        if export is None:
            return  # written, or its account deleted
        self.folder.mkdir(exist_ok=True, mode=0o700)
        unfinished = self.folder / f"{clock.token(9)}.part"
        try:
            await Archive(database, self.pictures, self.urls, self.domain, self.chapters, export.account_id).write(unfinished)
            file, size = await asyncio.to_thread(_name_of, unfinished), unfinished.stat().st_size
            await self.exports.add(file, unfinished)
        finally:
            unfinished.unlink(missing_ok=True)
        await self._finish(database, export, file, size)

    async def _finish(self, database: Database, export: Export, file: FileName, size: int) -> None:
        async with database.write() as tx:
            if not await queries.update_ready(tx, export, LIFECYCLE.step(export.state, State.READY), file, size, KEPT_FOR):
                await _remove_unused(tx, self.exports, [file])
                return
            await _remove_unused(tx, self.exports, await queries.delete_exports_of(tx, export.account_id, but=export.id))
            await tell_from_network(tx, export.account_id, Kind.EXPORT, export.id)
            if login := await find_login(tx, export.account_id):
                send_mail(tx, Mail("export", login.email, login.language, "/settings/export"))

    async def write_missing(self, database: Database) -> None:
        """Writes archives again whose files are not on this host: they stay behind when the network moves. A timed job."""
        async with database.read() as conn:
            ready = await queries.list_ready_unscoped(conn)
        for export in ready:
            if export.file and await self.exports.size(export.file) is None:
                async with database.write() as tx:
                    if await queries.update_wanted(tx, export, LIFECYCLE.step(export.state, State.WANTED)):
                        tx.enqueue(WRITE_JOB, Wanted(export.id))

    async def clear(self, database: Database) -> None:
        """Removes expired archives, and files that an interrupted run left. A timed job."""
        async with database.write() as tx:
            await _remove_unused(tx, self.exports, await queries.delete_expired(tx))
        oldest = clock.now() - LEFT_OVER_AFTER
        async for file in self.exports.list_older_than(oldest):
            async with database.read() as conn:
                is_known = await queries.has_file(conn, file)
            if not is_known:
                await self.exports.remove(file)
        for unfinished in self.folder.glob("*.part"):
            if unfinished.stat().st_mtime < oldest.timestamp():
                unfinished.unlink(missing_ok=True)


def _name_of(path: Path) -> FileName:
    with path.open("rb") as stream:
        return FileName(hashlib.file_digest(stream, "sha256").digest(), "zip")
