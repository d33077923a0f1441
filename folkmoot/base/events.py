"""The outbox: facts that are written in the transaction that made them true.

An event is a typed struct with a kind (`post.created`). Who is interested subscribes in `app.py`; the worker delivers
each event to each subscriber at least once, so a subscriber must be harmless when it runs twice. One transaction's
events travel as one job.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import msgspec

if TYPE_CHECKING:
    from folkmoot.base.db import Database


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of all events. Subclasses set `kind` and hold ids, never texts of people."""

    kind: ClassVar[str]


E = TypeVar("E", bound=Event)
Subscriber = Callable[["Database", Any], Awaitable[None]]


class Envelope(msgspec.Struct, frozen=True):
    """An event on its way: what the job carries. `only` names the one subscriber that a redelivery is for."""

    kind: str
    payload: msgspec.Raw
    only: str | None = None


class Subscriptions:
    """Who hears of what. Filled once, in `app.py`."""

    def __init__(self) -> None:
        self._types: dict[str, type[Event]] = {}
        self._subscribers: defaultdict[str, dict[str, Subscriber]] = defaultdict(dict)

    def on(self, event: type[E], subscriber: Callable[["Database", E], Awaitable[None]]) -> None:
        self._types[event.kind] = event
        name = f"{subscriber.__module__}.{subscriber.__qualname__}"
        self._subscribers[event.kind][name] = subscriber

    def kinds(self) -> frozenset[str]:
        """The kinds that anybody subscribes to: the others are written to the log and need no job."""
        return frozenset(self._subscribers)

    def names(self, kind: str) -> list[str]:
        return sorted(self._subscribers.get(kind, ()))

    def subscribers(self, envelope: Envelope) -> list[tuple[str, Subscriber, Event]]:
        event = msgspec.json.decode(envelope.payload, type=self._types[envelope.kind])
        return [
            (name, subscriber, event)
            for name, subscriber in self._subscribers[envelope.kind].items()
            if envelope.only in (None, name)
        ]
