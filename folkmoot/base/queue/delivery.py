"""Delivers each event to each subscriber. A delivery that fails or hangs gets its own job and does not delay the others."""

import asyncio
import logging

import msgspec

from folkmoot.base.db import Database
from folkmoot.base.events import Envelope
from folkmoot.base.queue.enqueue import DELIVER
from folkmoot.base.queue.faults import is_database_fault
from folkmoot.base.queue.model import Job
from folkmoot.base.subscriptions import NoSubscriber, Subscriptions

DELIVER_ONE = "events.redeliver"
_SUBSCRIBER_SECONDS = 60.0  # in a job with others; in its own job a subscriber has the limit of that job
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
            for name, subscriber, event in deliveries:
                try:
                    async with asyncio.timeout(_SUBSCRIBER_SECONDS):
                        await subscriber(database, event)
                except Exception as error:
                    if is_database_fault(error):
                        raise
                    _log.exception("subscriber %s failed on %s; it will be retried", name, envelope.kind)
                    failed.append(msgspec.structs.replace(envelope, only=name))
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
