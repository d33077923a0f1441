"""The viewer of a session or a token, cached for a second.

A page must not cost a statement to know its viewer. What ends a log-in publishes, and every process forgets at once;
the second is the bound for a message that was lost.
"""

from contextlib import suppress
from typing import Generic, TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.model import LOGINS_TOPIC, TokenHolder, Viewer, digest

T = TypeVar("T")
_SECONDS = 1.0
_MOST = 20_000


class _Kept(Generic[T]):
    def __init__(self) -> None:
        self._kept: dict[bytes, tuple[float, T]] = {}

    def find(self, key: bytes) -> T | None:
        found = self._kept.get(key)
        return found[1] if found and found[0] > clock.monotonic() else None

    def keep(self, key: bytes, value: T) -> T:
        if len(self._kept) > _MOST:
            self._kept.clear()
        self._kept[key] = (clock.monotonic() + _SECONDS, value)
        return value

    def forget(self, account_id: int | None) -> None:
        self._kept = {key: entry for key, entry in self._kept.items() if _account_of(entry[1]) != account_id}


def _account_of(value: object) -> int | None:
    viewer = value.viewer if isinstance(value, TokenHolder) else value
    return viewer.id if isinstance(viewer, Viewer) else None


class Viewers:
    """The viewers of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions: _Kept[Viewer] = _Kept()
        self._tokens: _Kept[TokenHolder] = _Kept()
        self._visits: dict[bytes, int] = {}
        database.live.subscribe(LOGINS_TOPIC, self._forget)

    async def by_session(self, secret: str) -> Viewer | None:
        key = digest(secret)
        viewer = self._sessions.find(key)
        if viewer is None:
            async with self._database.read() as conn:
                viewer = await queries.find_session_viewer(conn, key)
            if viewer is None or viewer.login.obstacle:
                return None
            self._sessions.keep(key, viewer)
            await self._note_visit(key, viewer.id)
        return viewer

    async def by_token(self, secret: str) -> TokenHolder | None:
        key = digest(secret)
        holder = self._tokens.find(key)
        if holder is None:
            async with self._database.read() as conn:
                holder = await queries.find_token_holder(conn, key)
            if holder is None:
                return None
            self._tokens.keep(key, holder)
            if holder.viewer:
                await self._note_visit(key, holder.viewer.id)
        return holder

    async def _note_visit(self, key: bytes, account_id: int) -> None:
        """Once a day; not at all while writes are paused."""
        today = clock.now().toordinal()
        if self._visits.get(key) == today:
            return
        if len(self._visits) > _MOST:
            self._visits.clear()
        self._visits[key] = today
        with suppress(WritesPaused):  # reading goes on while the host moves
            async with self._database.write() as tx:
                await queries.update_seen(tx, key, account_id)

    def _forget(self, body: bytes) -> None:
        account_id = msgspec.json.decode(body, type=int | None)
        self._sessions.forget(account_id)
        self._tokens.forget(account_id)
