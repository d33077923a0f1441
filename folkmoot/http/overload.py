"""Decides whose requests are answered while a web process has more to do than it can, and who is asked to come back.

Each request belongs to a class. A class has so many requests in work and so many in its line, whatever the others do, so
that a flood of one leaves the others their part of the process:

    staff     moderators and operators
    writes    what other members send
    members   what they read
    unknown   a token or session that this process has not seen to be valid within the hour: a forged one is no better than none
    visitors  no token and no session
    files     pictures and recordings, whoever asks

Who waits too long, or finds the line full, gets 503 with `Retry-After`. One member or one address has at most a quarter of a
line. Nothing here asks the database: whose secret it is, is remembered from its last check. Refusals cost too, and a client that
gets one can ask again at once: so each class gets at most REFUSALS of them in a second, and the others a few seconds later.

A request is in work until its response begins. It counts no more while its body is slow to arrive, and after WORK_LOOKS looks
of 0.1 s: it then waits for another service. A process that lacks the processor looks less often, so there it counts for longer.
While all wait for the same, a hold of the writes or a restart of the database, nobody is refused; nor on a host that does not write,
which sends most of them on.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from folkmoot.base import clock
from folkmoot.base.limits import address_key
from folkmoot.base.metrics import Refusals
from folkmoot.base.permits import Permits
from folkmoot.network.sessions.cache import Known, Viewers

WORK_LOOKS, BODY_LOOKS = 30, 2
RETRY_SECONDS = (2, 10)  # between these, at random, so that not all come back at once
REFUSALS = 200  # per second and class, in one process
LONGEST_DELAY = 3.0  # seconds, of a refusal
_LOOK_SECONDS = 0.1  # between looks for requests that count no more, while others wait
_FILES = "/media/"
_SAFE = frozenset(["GET", "HEAD"])
WRITE_SECONDS = 8.0  # what is sent waits for longer than what is read, in each class
Secret = Callable[[Any], str | None]


class Bounds(NamedTuple):
    """Of a class in one process. `seconds`: the longest time in the line."""

    in_work: int
    in_line: int
    seconds: float


BOUNDS = {
    "staff": Bounds(6, 200, 2.0),
    "writes": Bounds(8, 400, WRITE_SECONDS),
    "members": Bounds(8, 400, 1.0),
    "unknown": Bounds(4, 400, 1.0),
    "visitors": Bounds(8, 400, 1.0),
    "files": Bounds(16, 400, 2.0),
}


class Place:
    """A request in work. It counts until it gives its place back, or for a number of looks."""

    __slots__ = ("_line", "awaits_body", "looks")

    def __init__(self, line: "Line | None") -> None:
        self._line = line
        self.looks = 0
        self.awaits_body = False

    def give_back(self) -> None:
        """May be called more than once."""
        line, self._line = self._line, None
        if line:
            line.remove(self)

    def look(self) -> None:
        self.looks += 1
        if self.looks > (BODY_LOOKS if self.awaits_body else WORK_LOOKS):
            self.give_back()

    def noting(self, scope: Any, receive: Any) -> Any:
        """`receive`, noting that the request waits for its body."""
        if scope["method"] in _SAFE:
            return receive

        async def receive_body() -> Any:
            self.awaits_body = True
            message = await receive()
            self.awaits_body, self.looks = False, 0
            return message

        return receive_body


NO_PLACE = Place(None)  # of a request that is not counted


class Line:
    """The requests of one class, in work and waiting."""

    def __init__(self, bounds: Bounds) -> None:
        self._bounds = bounds
        self._permits = Permits(bounds.in_work)
        self._in_work: dict[Place, None] = {}  # the longest first
        self._waiting: Counter[object] = Counter()
        self._timer: asyncio.TimerHandle | None = None
        self._next_refusal = 0.0

    def take(self) -> Place | None:
        """A place, if one is free and nobody waits for it."""
        return self._begin() if self._permits.take() else None

    async def wait(self, key: object, seconds: float = 0.0) -> Place | None:
        """A place once it is this request's turn; None if that takes too long or too many wait. `key`: who sends it; `seconds`: the
        longest time, if it is not that of the class."""
        bounds = self._bounds
        if self._permits.waiting >= bounds.in_line or self._waiting[key] >= max(1, bounds.in_line // 4):
            return None
        self._waiting[key] += 1
        self._watch()
        try:
            await self._permits.wait(seconds or bounds.seconds)
        except TimeoutError:
            return None
        finally:
            self._waiting[key] -= 1
            if not self._waiting[key]:
                del self._waiting[key]
        return self._begin()

    async def refuse(self) -> None:
        """Returns when a request may be told that it is refused."""
        now = clock.monotonic()
        self._next_refusal = min(now + LONGEST_DELAY, max(now, self._next_refusal + 1 / REFUSALS))
        if self._next_refusal > now:
            await asyncio.sleep(self._next_refusal - now)

    def remove(self, place: Place) -> None:
        if place in self._in_work:
            del self._in_work[place]
            self._permits.give_back()

    def _begin(self) -> Place:
        place = Place(self)
        self._in_work[place] = None
        return place

    def _watch(self) -> None:
        """Looks again and again at the requests in work, as long as somebody waits."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_LOOK_SECONDS, self._look)

    def _look(self) -> None:
        self._timer = None
        for place in list(self._in_work):
            place.look()
        if self._permits.waiting:
            self._watch()


class Overload:
    """The lines of one process. `secrets`: what finds the token or session of a request, by application. `is_interrupted`:
    whether requests wait for something that ends by itself."""

    def __init__(self, viewers: Viewers, secrets: Mapping[str, Secret], is_interrupted: Callable[[], bool]) -> None:
        self._viewers = viewers
        self._secrets = secrets
        self._is_interrupted = is_interrupted
        self._lines = {name: Line(bounds) for name, bounds in BOUNDS.items()}
        self._refusals = Refusals()

    async def enter(self, application: str, scope: Any) -> Place | None:
        """The place of a request; None for one that is refused."""
        secret = self._secrets[application](scope)
        known = self._viewers.find_known(secret) if secret else None
        name = "files" if scope["path"].startswith(_FILES) else _class_of(scope, known, has_secret=bool(secret))
        line = self._lines[name]
        if place := line.take():
            return place
        if self._is_interrupted():
            return NO_PLACE
        is_write = scope.get("method", "GET") not in _SAFE
        place = await line.wait(known.account_id if known else _address(scope), WRITE_SECONDS if is_write else 0.0)
        if place is None and self._is_interrupted():  # since it waits
            return NO_PLACE
        if place is None:
            self._refusals.note(name)
            await line.refuse()
        return place


def _class_of(scope: Any, known: Known | None, *, has_secret: bool) -> str:
    if known is None:
        return "unknown" if has_secret else "visitors"
    if known.is_staff:
        return "staff"
    return "members" if scope.get("method", "GET") in _SAFE else "writes"


def _address(scope: Any) -> str:
    return address_key(scope["client"][0]) if scope.get("client") else ""


def retry_after() -> int:
    """Seconds, for one client."""
    shortest, longest = RETRY_SECONDS
    return shortest + clock.draw(longest - shortest + 1)
