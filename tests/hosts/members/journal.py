"""What members record. The checks are in `history.py`."""

import itertools
from collections.abc import Iterator

import msgspec

BROKEN = 0  # instead of a status: the connection failed before the answer


class Write(msgspec.Struct):
    """One write of one member. `key`: the text of a post and its idempotency key; else names what is written."""

    member: int
    kind: str  # "post", "favourite" or "upload"
    key: str
    sent_at: float
    acked_at: float | None = None
    id: int = 0  # of the post or the upload, as acknowledged; of the favourite: the post
    with_upload: int = 0  # the upload that a post shows
    refusals: list[int] = []  # statuses that were not 2xx, in order; each was followed by another attempt

    @property
    def seconds(self) -> float:
        """How long the member waited."""
        return (self.acked_at or float("inf")) - self.sent_at


class Stream(msgspec.Struct):
    """One open stream of one member, through all its connections."""

    member: int
    kind: str  # "events" or "socket"
    follows: list[int]  # the writers
    opened_at: float = 0.0
    closed_at: float = 0.0
    breaks: list[tuple[float, float]] = []  # lost at, back at
    shown: dict[str, float] = {}  # the key of each post, and when it was first shown, live or after a break


class Read(msgspec.Struct):
    """One attempt to read the home timeline. 206: it is being rebuilt, and was read from the posts instead."""

    member: int
    sent_at: float
    seconds: float
    status: int


class Journal(msgspec.Struct):
    """The record of one run."""

    writes: list[Write]
    streams: list[Stream]
    reads: list[Read] = []
    processor: float = 0.0  # seconds of this program
    seconds: float = 0.0  # of the run

    @property
    def acknowledged(self) -> list[Write]:
        return [write for write in self.writes if write.acked_at is not None]

    @property
    def failures(self) -> list[Write]:
        """Writes that got another answer than their own at least once, or none."""
        return [write for write in self.writes if write.refusals or write.acked_at is None]

    @property
    def failed_reads(self) -> list[Read]:
        return [read for read in self.reads if read.status not in (200, 206)]

    @property
    def longest_read(self) -> float:
        return max((read.seconds for read in self.reads), default=0.0)

    @property
    def longest_wait(self) -> float:
        """The longest gap that one member saw."""
        return max((write.seconds for write in self.writes), default=0.0)

    @property
    def longest_pause(self) -> float:
        """The longest time in which nobody's write was acknowledged, while members were writing."""
        times = sorted(write.acked_at for write in self.writes if write.acked_at is not None)
        return max((later - earlier for earlier, later in itertools.pairwise(times)), default=0.0)

    @property
    def longest_break(self) -> float:
        """The longest time in which a stream was closed."""
        return max((back_at - lost_at for stream in self.streams for lost_at, back_at in stream.breaks), default=0.0)

    def delays(self) -> Iterator[float]:
        """How long after its acknowledgement each post was shown on each stream; below 0: before."""
        acked_at = {write.key: write.acked_at for write in self.acknowledged}
        for stream in self.streams:
            for key, shown_at in stream.shown.items():
                if moment := acked_at.get(key):
                    yield shown_at - moment
