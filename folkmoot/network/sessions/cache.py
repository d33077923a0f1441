"""The viewer of a session or a token, cached for a second.

So a page needs no statement to find its viewer. Every change that ends a log-in is published, and all processes drop
their entries at once; if that message is lost, entries expire after a second.

Who a secret belonged to when it was last checked is remembered for longer. That gives no access, only a place in the line
while a process is overloaded (`http/overload.py`).
"""

from contextlib import suppress
from typing import Generic, NamedTuple, TypeVar

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.errors import WritesPaused
from folkmoot.network.sessions import queries
from folkmoot.network.sessions.model import LOGINS_TOPIC, Role, TokenHolder, Viewer, digest

T = TypeVar("T")
_SECONDS = 1.0
_MOST = 20_000
_KNOWN_SECONDS = 3600.0


class _Cache(Generic[T]):
    def __init__(self) -> None:
        self._entries: dict[bytes, tuple[float, T]] = {}

    def find(self, key: bytes) -> T | None:
        found = self._entries.get(key)
        return found[1] if found and found[0] > clock.monotonic() else None

    def store(self, key: bytes, value: T) -> T:
        if len(self._entries) > _MOST:
            self._entries.clear()
        self._entries[key] = (clock.monotonic() + _SECONDS, value)
        return value

    def drop(self, account_id: int | None) -> None:
        self._entries = {key: entry for key, entry in self._entries.items() if _account_of(entry[1]) != account_id}


def _account_of(value: object) -> int | None:
    viewer = value.viewer if isinstance(value, TokenHolder) else value
    return viewer.id if isinstance(viewer, Viewer) else None


class Known(NamedTuple):
    """Whose secret this was when it was last checked."""

    account_id: int
    is_staff: bool
    until: float


class Viewers:
    """The cached viewers of one process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._sessions: _Cache[Viewer] = _Cache()
        self._tokens: _Cache[TokenHolder] = _Cache()
        self._visits: dict[bytes, int] = {}
        self._known: dict[bytes, Known] = {}
        database.live.subscribe(LOGINS_TOPIC, self._forget)

    async def by_session(self, secret: str) -> Viewer | None:
        key = digest(secret)
        viewer = self._sessions.find(key)
        if viewer is None:
            async with self._database.read() as conn:
                viewer = await queries.find_session_viewer(conn, key)
            self._remember(key, viewer)
            if viewer is None or viewer.login.obstacle:
                return None
            self._sessions.store(key, viewer)
            await self._note_visit(key, viewer.id)
        return viewer

    async def by_token(self, secret: str) -> TokenHolder | None:
        key = digest(secret)
        holder = self._tokens.find(key)
        if holder is None:
            async with self._database.read() as conn:
                holder = await queries.find_token_holder(conn, key)
            self._remember(key, holder.viewer if holder else None)
            if holder is None:
                return None
            self._tokens.store(key, holder)
            if holder.viewer:
                await self._note_visit(key, holder.viewer.id)
        return holder

    def find_known(self, secret: str) -> Known | None:
        """Whose secret it was within the last hour, without a statement. Gives no access: it may have ended since."""
        known = self._known.get(digest(secret))
        return known if known and known.until > clock.monotonic() else None

    def _remember(self, key: bytes, viewer: Viewer | None) -> None:
        if viewer is None or viewer.login.obstacle or viewer.is_suspended:
            self._known.pop(key, None)
            return
        if len(self._known) > _MOST:
            self._known.clear()
        self._known[key] = Known(viewer.id, viewer.holds(Role.MODERATOR), clock.monotonic() + _KNOWN_SECONDS)

    async def _note_visit(self, key: bytes, account_id: int) -> None:
        """Stores a visit once a day. While writes are paused it is not stored, and a later request tries again."""
        today = clock.now().toordinal()
        if self._visits.get(key) == today:
            return
        with suppress(WritesPaused):  # reads continue while the network moves to another host
            async with self._database.write(waits=False, is_repeatable=True) as tx:
                await queries.update_seen(tx, key, account_id)
            if len(self._visits) > _MOST:
                self._visits.clear()
            self._visits[key] = today

    def _forget(self, body: bytes) -> None:
        account_id = msgspec.json.decode(body, type=int | None)
        self._sessions.drop(account_id)
        self._tokens.drop(account_id)
