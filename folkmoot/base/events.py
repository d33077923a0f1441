"""The outbox: an event is written in the same transaction as the change that it reports.

An event is a typed struct with a kind (`post.created`). Subscribers are listed in `app.py` and `moderation/assembly.py`. The
worker delivers each event to each subscriber at least once. The events of one transaction are delivered by one job.
"""

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base class. Subclasses set `kind` and hold ids, never texts that members wrote."""

    kind: ClassVar[str]


class Envelope(msgspec.Struct, frozen=True):
    """An event in the payload of a job. `only` limits the delivery to one subscriber."""

    kind: str
    payload: msgspec.Raw
    only: str | None = None
