"""Delivers each event to each subscriber. A delivery that fails or hangs gets its own job and does not delay the others."""

import asyncio
import logging
from collections.abc import Iterator

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.events import Envelope, Event
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.faults import is_database_fault
from folkmoot.base.queue.model import Job
from folkmoot.base.subscriptions import NoSubscriber, Subscriber, Subscriptions

DELIVER_ONE = "events.redeliver"
_SUBSCRIBER_SECONDS = 60.0  # for those of one event until one of them fails; in its own job a subscriber has the limit of that job
_log = logging.getLogger(__name__)


class Delivery:
    """The two jobs that deliver events, for one set of subscriptions."""

    def __init__(self, subscriptions: Subscriptions) -> None:
        self._subscriptions = subscriptions
        self.jobs = [Job(DELIVER, list[Envelope], self._deliver), Job(DELIVER_ONE, Envelope, self._deliver_one)]

    async def _deliver(self, database: Database, envelopes: list[Envelope]) -> None:
        """The events of one transaction. If the database becomes unavailable, all deliveries are repeated later."""
        failed = []
        for envelope in envelopes:
            try:
                deliveries = self._subscriptions.subscribers(envelope)
            except (NoSubscriber, msgspec.DecodeError) as error:
                _log.warning("an event %s cannot be delivered; it will be retried: %s", envelope.kind, error)
                failed.append(envelope)
                continue
            failed += [msgspec.structs.replace(envelope, only=name) for name in await _call(database, envelope.kind, iter(deliveries))]
        if failed:
            async with database.write() as tx:
                for envelope in failed:
                    tx.enqueue(DELIVER_ONE, envelope)

    async def _deliver_one(self, database: Database, envelope: Envelope) -> None:
        for _, subscriber, event in self._subscriptions.subscribers(envelope):
            await subscriber(database, event)

    def parts(self, payload: bytes) -> list[bytes]:
        """The single deliveries of a job DELIVER, as payloads of DELIVER_ONE. Raises DecodeError."""
        parts = []
        for envelope in msgspec.json.decode(payload, type=list[Envelope]):
            names = [envelope.only] if envelope.only else self._subscriptions.names(envelope.kind)
            parts += [msgspec.json.encode(msgspec.structs.replace(envelope, only=name)) for name in names or (None,)]
        return parts


async def _call(database: Database, kind: str, deliveries: Iterator[tuple[str, Subscriber, Event]]) -> list[str]:
    """Calls the subscribers one after the other; returns the names of those that failed or took too long. One time limit serves all
    until one fails: a limit for each of them would cost more than some of them."""
    called: list[str] = []
    failed: list[str] = []
    while True:
        try:
            async with asyncio.timeout(_SUBSCRIBER_SECONDS):
                for name, subscriber, event in deliveries:
                    called.append(name)
                    await subscriber(database, event)
                return failed
        except Exception as error:
            if is_database_fault(error):
                raise
            _log.exception("subscriber %s failed on %s; it will be retried", called[-1], kind)
            failed.append(called[-1])
