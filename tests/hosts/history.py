"""The judge of moves and failures. Each check returns sentences; none means that the history is right.

Whether writes were lost or doubled is judged from the members' journal and the rows of the host that is left. Whether two hosts accepted
writes at the same time is judged from acceptances: a write counts from its start to its answer, and may have happened at any moment
between. A sentence is returned only if no such moments make the history right.
"""

import itertools
import math
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import asyncpg

from tests.hosts.members.journal import Journal, Write

_NOTICE = 2.0  # seconds in which a primary that learns of a higher epoch must refuse


@dataclass
class Rows:
    """What a database holds of the writes: the ids of posts by their text, and so on."""

    posts: dict[str, list[int]] = field(default_factory=dict)
    favourites: dict[int, int] = field(default_factory=dict)  # how many, by post
    uploads: dict[int, int | None] = field(default_factory=dict)  # the post of each


async def read_rows(dsn: str) -> Rows:
    connection = await asyncpg.connect(dsn)
    try:
        posts = defaultdict(list)
        for id, text in await connection.fetch("SELECT id, text FROM posts"):
            posts[text].append(id)
        favourites = await connection.fetch("SELECT post_id, count(*) FROM favourites GROUP BY post_id")
        uploads = await connection.fetch("SELECT id, post_id FROM media")
        return Rows(dict(posts), dict(favourites), dict(uploads))
    finally:
        await connection.close()


def wrong_writes(journal: Journal, rows: Rows) -> list[str]:
    """Writes that are lost, doubled or out of order."""
    return [*_wrong_posts(journal, rows), *_wrong_favourites(journal, rows), *_wrong_uploads(journal, rows), *_wrong_order(journal)]


def _wrong_posts(journal: Journal, rows: Rows) -> Iterator[str]:
    for write in _of_kind(journal, "post"):
        ids = rows.posts.get(write.key, [])
        if len(ids) > 1:
            yield f"post {write.key} is doubled: {ids}"
        elif write.acked_at is not None and not ids:
            yield f"post {write.key} was acknowledged and is lost"
        elif write.acked_at is not None and ids != [write.id]:
            yield f"post {write.key} was acknowledged as {write.id} and is {ids[0]}"


def _wrong_favourites(journal: Journal, rows: Rows) -> Iterator[str]:
    sent: dict[int, list[Write]] = defaultdict(list)
    for write in _of_kind(journal, "favourite"):
        sent[int(write.key.rpartition(" ")[2])].append(write)
    for post, writes in sent.items():
        acknowledged = sum(write.acked_at is not None for write in writes)
        found = rows.favourites.get(post, 0)
        if found < acknowledged:
            yield f"post {post} has {found} favourites, and {acknowledged} were acknowledged"
        if found > len(writes):
            yield f"post {post} has {found} favourites, and {len(writes)} were sent"


def _wrong_uploads(journal: Journal, rows: Rows) -> Iterator[str]:
    for write in _of_kind(journal, "upload"):
        if write.acked_at is not None and write.id not in rows.uploads:
            yield f"upload {write.id} was acknowledged and is lost"
    for write in _of_kind(journal, "post"):
        if write.with_upload and write.acked_at is not None and rows.uploads.get(write.with_upload) != write.id:
            yield f"post {write.id} was acknowledged with upload {write.with_upload} and does not show it"


def _wrong_order(journal: Journal) -> Iterator[str]:
    """A member sends one write after the other, so later posts have higher ids."""
    posts: dict[int, list[Write]] = defaultdict(list)
    for write in _of_kind(journal, "post"):
        if write.acked_at is not None:
            posts[write.member].append(write)
    for member, writes in posts.items():
        for earlier, later in itertools.pairwise(sorted(writes, key=lambda write: write.sent_at)):
            if later.id <= earlier.id:
                yield f"member {member} wrote {later.key} after {earlier.key}, and its id is lower"


def _of_kind(journal: Journal, kind: str) -> list[Write]:
    return [write for write in journal.writes if write.kind == kind]


def wrong_streams(journal: Journal) -> list[str]:
    """Posts that a stream did not show, live or when it was read after a break."""
    posts = [write for write in _of_kind(journal, "post") if write.acked_at is not None]
    return [
        f"stream {stream.member} ({stream.kind}) did not show {write.key}"
        for stream in journal.streams
        for write in posts
        if write.member in stream.follows and write.sent_at > stream.opened_at and write.key not in stream.shown
    ]


@dataclass(frozen=True)
class Accepted:
    """A host accepted a write in an epoch, at some moment between the two."""

    host: str
    epoch: int
    sent_at: float
    acked_at: float


@dataclass(frozen=True)
class Learned:
    """A host has learned at this moment that an epoch exists."""

    host: str
    epoch: int
    at: float


@dataclass(frozen=True)
class Fenced:
    """A host was fenced, or a standby, from one moment to another: it accepted nothing between."""

    host: str
    at: float
    until: float = math.inf


Event = Accepted | Learned | Fenced


def wrong_epochs(history: Iterable[Event]) -> list[str]:
    """Two hosts with one epoch, or a write in an epoch that was over."""
    events = list(history)
    accepted = sorted((event for event in events if isinstance(event, Accepted)), key=lambda event: event.sent_at)
    return [
        *_shared_epochs(accepted),
        *_overlaps(accepted),
        *(
            f"{late.host} accepted a write in epoch {late.epoch} behind its fence, at {late.sent_at:.3f}"
            for event in events if isinstance(event, Fenced)
            for late in accepted if late.host == event.host and event.at < late.sent_at and late.acked_at < event.until
        ),
        *(
            f"{late.host} accepted a write in epoch {late.epoch} {late.sent_at - event.at:.3f} s after it learned of epoch {event.epoch}"
            for event in events if isinstance(event, Learned)
            for late in accepted if late.host == event.host and late.epoch < event.epoch and late.sent_at > event.at + _NOTICE
        ),
    ]


def _shared_epochs(accepted: list[Accepted]) -> Iterator[str]:
    owners: dict[int, str] = {}
    for event in accepted:
        if (owner := owners.setdefault(event.epoch, event.host)) != event.host:
            yield f"{owner} and {event.host} both accepted writes in epoch {event.epoch}"
            return


def _overlaps(accepted: list[Accepted]) -> Iterator[str]:
    """Writes that were sent when a write of a higher epoch had been answered."""
    answered = iter(sorted(accepted, key=lambda event: event.acked_at))
    following = next(answered, None)
    highest: Accepted | None = None
    for event in accepted:
        while following and following.acked_at < event.sent_at:
            if highest is None or following.epoch > highest.epoch:
                highest = following
            following = next(answered, None)
        if highest and event.epoch < highest.epoch:
            yield (f"{event.host} accepted a write in epoch {event.epoch} at {event.sent_at:.3f}, after {highest.host} had accepted one"
                   f" in epoch {highest.epoch} at {highest.acked_at:.3f}")
            return
