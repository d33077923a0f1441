"""Asks both hosts what a move needs, and measures the link between them. Changes nothing.

Each host answers two messages: what it is (`FACTS`), and how fast the other one sends (`MEASURE`): it fetches a file of
zeros from the other host, through the channel that a move uses. `survey` puts the table of a move together.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from folkmoot import __version__
from folkmoot.base import clock
from folkmoot.base.errors import Problem
from folkmoot.portability import queries
from folkmoot.portability.certificates.trust import own_trust
from folkmoot.portability.hosts.messages import GREETING, UNKNOWN_MESSAGE, Ask, Content, Greeting, Handler, PeerRefused, Store
from folkmoot.portability.moving.model import MoveProblem, position
from folkmoot.portability.moving.plan import NO_HTTPS, HostFacts, Level, Line, LinkFacts, Names, conditions, expected_pause, facts, link
from folkmoot.portability.moving.sides import Side
from folkmoot.portability.moving.steps import Move
from folkmoot.portability.moving.this_host import ThisHost
from folkmoot.portability.moving.unfinished import find_unfinished
from folkmoot.portability.runs import BACKUP
from folkmoot.portability.standby.media import Fetch

FACTS, MEASURE, STORE = "preflight.facts", "preflight.measure", "preflight"
_PIECE = bytes(64 * 1024)
_MOST_BYTES = 64 * 1024 * 1024  # of one measurement
_WINDOW_SECONDS = 0.5  # over which the rate of the link is measured
_MEASURE_SECONDS = 4.0  # at most
_GROWTH = 1.2  # from one window to the next: the connection still becomes faster
_ASK_SECONDS = 15.0
_GREETINGS = 3
_HTTPS = 443
_CONNECT_SECONDS = 3.0
Check = Callable[[], Awaitable[Line]]  # of another part of the network, such as its names


class Question(msgspec.Struct, frozen=True):
    """The content of both messages. They may get fields later."""


class Measured(msgspec.Struct, frozen=True):
    """How much arrived in how many seconds."""

    bytes: int
    seconds: float

    @property
    def rate(self) -> float:
        return self.bytes / max(self.seconds, 1e-6)


@dataclass(frozen=True)
class Survey:
    """The table of a move, and what follows from it."""

    lines: list[Line]
    round_trip: float  # seconds
    pause: float  # seconds for which writes will wait

    @property
    def stops(self) -> list[str]:
        return [line.mend for line in self.lines if line.level == Level.STOP]

    def require(self) -> None:
        """Raises MoveProblem with the first line that forbids the move."""
        for sentence in self.stops:
            raise MoveProblem(sentence)


class Preflight:
    """One host's part. `fetch` gets a file of the other host; `domain`: of a network with HTTPS, else ""."""

    def __init__(self, this: ThisHost, fetch: Fetch, domain: str) -> None:
        self._this = this
        self._fetch = fetch
        self._domain = domain

    def handlers(self) -> list[Handler]:
        return [Handler(FACTS, Question, self.facts), Handler(MEASURE, Question, self.measure)]

    async def facts(self, _: Question) -> HostFacts:
        async with self._this.session() as session:
            size = await queries.get_size(session)
            backup = (await queries.last_runs(session))[BACKUP]
        until, why = await asyncio.to_thread(find_certificate, self._domain) if self._domain else (None, "")
        return HostFacts(
            release=__version__, data_bytes=size.database_bytes + size.media_bytes, backup_age=backup.good_age,
            backup_failed=backup.failed, domain=self._domain, certificate_until=until, certificate_failed=why,
            unfinished=await asyncio.to_thread(find_unfinished, self._this.directory),
        )

    async def measure(self, _: Question) -> Measured:
        """Fetches from the other host until the rate no longer grows: over a long way a connection begins slowly (RFC 5681).

        Returns the fastest window.
        """
        started = clock.monotonic()
        best, size, began = Measured(0, 0.0), 0, started
        async with self._fetch(STORE, str(_MOST_BYTES)) as pieces:
            if pieces is None:
                raise Problem("The other host offers nothing to measure the link with. Upgrade it: moot upgrade")
            async for piece in pieces:
                size += len(piece)
                now = clock.monotonic()
                if now - began < _WINDOW_SECONDS:
                    continue
                latest = Measured(size, now - began)
                is_steady = latest.rate < _GROWTH * best.rate
                best, size, began = max(best, latest, key=_rate), 0, now
                if is_steady or now - started > _MEASURE_SECONDS:
                    return best
        return best if best.bytes else Measured(size, clock.monotonic() - began)  # so fast that everything has come


def _rate(measured: Measured) -> float:
    return measured.rate


def offered() -> Store:
    """Files of zeros; the name is the number of bytes. TLS does not compress them."""
    async def read(file: str) -> Content | None:
        return Content(int(file), _zeros(int(file))) if file.isdecimal() and int(file) <= _MOST_BYTES else None

    return Store(STORE, read)


async def _zeros(count: int) -> AsyncIterator[bytes]:
    while count > 0:
        yield _PIECE[:count]
        count -= len(_PIECE)


def find_certificate(domain: str) -> tuple[datetime | None, str]:
    """Until when the certificate is valid that this host shows to visitors of `domain`, or why they would not get a page."""
    context = own_trust()
    try:
        with (
            socket.create_connection(("127.0.0.1", _HTTPS), _CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=domain) as secure,
        ):
            ends = ssl.cert_time_to_seconds(str((secure.getpeercert() or {})["notAfter"]))
    except ssl.SSLCertVerificationError as error:
        return None, f"its certificate is not valid: {error.verify_message}"
    except ssl.SSLError:
        return None, "it has no certificate for this name"
    except OSError:
        return None, NO_HTTPS
    return datetime.fromtimestamp(ends, UTC), ""


async def survey(move: Move, own: Side, preflight: Preflight, ask: Ask, names: Names, checks: Sequence[Check] = ()) -> Survey:
    """The table of a move that has not begun. `own`: the side of this host; `ask`: the other one."""
    old_is_here = move.old is own
    round_trip = await _round_trip(ask)
    found = list(conditions(move.at_old, move.at_new, move.skew, names))
    if move.at_old.database and move.at_new.database:
        try:
            here, there = await preflight.facts(Question()), await ask(FACTS, Question(), HostFacts, seconds=_ASK_SECONDS)
            old, new = (here, there) if old_is_here else (there, here)
            found += facts(old, new, move.at_new.free_bytes, names, clock.now())
            measured, written = await _measure(move, preflight, ask, new_is_here=not old_is_here)
            found += link(LinkFacts(round_trip, measured.rate, written, move.skew), names)
        except PeerRefused as refused:
            if refused.code != UNKNOWN_MESSAGE:
                raise
            found.append(Line("release", "the other host runs an older one", Level.WARNING,
                              "Disk, backup, certificate and link could not be examined. Upgrade it: moot upgrade"))
    found += await asyncio.gather(*(check() for check in checks))
    return Survey(_once(found), round_trip, expected_pause(round_trip))


async def _round_trip(ask: Ask) -> float:
    """Seconds of a message without any work; the shortest of some counts."""
    taken = []
    for _ in range(_GREETINGS):
        began = clock.monotonic()
        await ask(GREETING, Greeting("", __version__), Greeting)
        taken.append(clock.monotonic() - began)
    return min(taken)


async def _measure(move: Move, preflight: Preflight, ask: Ask, *, new_is_here: bool) -> tuple[Measured, float]:
    """What the new host received from the old one, and the bytes that the old host wrote in a second meanwhile."""
    before, began = await move.old.condition(move.order), clock.monotonic()
    measured = await (preflight.measure(Question()) if new_is_here else ask(MEASURE, Question(), Measured, seconds=_ASK_SECONDS))
    after = await move.old.condition(move.order)
    if before.database is None or after.database is None:
        raise Problem("The database of the old host has stopped to answer. Run there: moot status")
    written = position(after.database.position) - position(before.database.position)
    return measured, max(0.0, written / (clock.monotonic() - began))


def _once(lines: Sequence[Line]) -> list[Line]:
    """Without the good lines about what another line forbids."""
    forbidden = {line.name for line in lines if line.level == Level.STOP}
    return [line for line in lines if line.level != Level.GOOD or line.name not in forbidden]
