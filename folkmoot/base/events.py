"""The outbox: facts that are written in the transaction that made them true.

An event is a typed struct with a kind (`post.created`). Who is interested subscribes in `app.py`; the worker delivers
each event to each subscriber at least once. One transaction's events travel as one job.
"""

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. Subclasses set `kind` and hold ids, never texts of people."""

    kind: ClassVar[str]


class Envelope(msgspec.Struct, frozen=True):
    """An event on its way: what the job carries. `only` names the one subscriber that a delivery is for."""

    kind: str
    payload: msgspec.Raw
    only: str | None = None
