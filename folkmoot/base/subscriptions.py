"""The subscribers of each kind of event: registered once, in `app.py` and `moderation/assembly.py`, and called by the worker.

Every subscriber gets every event of its kind at least once, so running it twice must be harmless. A failing subscriber
does not delay the others. An event stored by another release may name a subscriber that does not exist here: this is a
failure, so that the event is retried, then parked and reported to the operator, and never silently dropped.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.events import Envelope, Event

E = TypeVar("E", bound=Event)
Subscriber = Callable[[Database, Any], Awaitable[None]]


class NoSubscriber(LookupError):
    """The event has no subscriber in this release, or not the one that it is for."""


class Subscriptions:
    """Event kinds and their subscribers."""

    def __init__(self) -> None:
        self._types: dict[str, type[Event]] = {}
        self._subscribers: defaultdict[str, dict[str, Subscriber]] = defaultdict(dict)

    def on(self, event: type[E], subscriber: Callable[[Database, E], Awaitable[None]]) -> None:
        self._types[event.kind] = event
        name = f"{subscriber.__module__}.{subscriber.__qualname__}"
        self._subscribers[event.kind][name] = subscriber

    def kinds(self) -> frozenset[str]:
        """The kinds that have a subscriber. Events of other kinds are stored without a job."""
        return frozenset(kind for kind, subscribers in self._subscribers.items() if subscribers)

    def names(self, kind: str) -> list[str]:
        return sorted(self._subscribers.get(kind, ()))

    def subscribers(self, envelope: Envelope) -> list[tuple[str, Subscriber, Event]]:
        """(name, subscriber, event) for each delivery that the envelope asks for. Raises NoSubscriber and DecodeError."""
        if envelope.only not in (None, *self.names(envelope.kind)) or envelope.kind not in self._types:
            raise NoSubscriber(f"{envelope.only or 'nobody'} subscribes to {envelope.kind} in this release")
        event = msgspec.json.decode(envelope.payload, type=self._types[envelope.kind])
        return [
            (name, subscriber, event)
            for name, subscriber in self._subscribers[envelope.kind].items()
            if envelope.only in (None, name)
        ]
