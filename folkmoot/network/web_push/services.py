"""How busy the push services are, as this process knows: a slow or dead one delays neither the others nor other jobs.

A worker has a limited number of jobs at once. So few of them may wait for push services: some for each, some for all that have never
answered. What finds no room is put off to a time of its own in the queue of its service. A service that only fails is left alone,
for longer each time, except for one message that tries it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from folkmoot.base import clock

MOST_AT_ONCE = 30  # of the 100 jobs of a worker
MOST_OF_ONE = 8
MOST_UNPROVEN = 12  # to all services that have not answered yet: whoever subscribes can name as many as they like
MOST_OF_UNPROVEN = 2  # to one of these
MOST_FAILURES = 3  # in a row; then the service is left alone
_PAUSE = 30.0  # seconds; doubles with each further failure
_LONGEST_PAUSE = 900.0
_SHORTEST_DELAY = 0.5
_USUAL_SECONDS = 0.2  # for a message, until something is known
_MOST_KNOWN = 10_000


@dataclass
class _Service:
    running: int = 0
    failures: int = 0  # in a row
    is_proven: bool = False
    seconds: float = _USUAL_SECONDS  # for a message, lately
    silent_until: float = 0.0
    next_at: float = 0.0  # the first free time in its queue

    @property
    def most(self) -> int:
        return MOST_OF_ONE if self.is_proven else MOST_OF_UNPROVEN


class Services:
    """The push services by host."""

    def __init__(self) -> None:
        self._known: dict[str, _Service] = {}

    def wait(self, host: str) -> float:
        """Seconds that a message must be put off; 0 if it may be sent now."""
        now, service = clock.monotonic(), self._get(host)
        is_tried = service.failures >= MOST_FAILURES and service.running > 0
        if now >= service.silent_until and not is_tried and self._has_room(service):
            return 0.0
        free = max(now + _SHORTEST_DELAY, service.silent_until, service.next_at)
        service.next_at = free + service.seconds / service.most
        return free - now

    @contextmanager
    def sending(self, host: str) -> Iterator[None]:
        """Takes a place while a message is sent."""
        service, began = self._get(host), clock.monotonic()
        service.running += 1
        try:
            yield
        finally:
            service.running -= 1
            service.seconds += (clock.monotonic() - began - service.seconds) / 10

    def note_answer(self, host: str) -> None:
        """It has answered, whatever it thinks of the message."""
        service = self._get(host)
        service.failures, service.silent_until, service.is_proven = 0, 0.0, True

    def note_failure(self, host: str) -> None:
        service = self._get(host)
        service.failures += 1
        service.is_proven = False
        if service.failures >= MOST_FAILURES:
            pause = min(_LONGEST_PAUSE, _PAUSE * 2.0 ** (service.failures - MOST_FAILURES))
            service.silent_until = clock.monotonic() + pause

    def _has_room(self, service: _Service) -> bool:
        running = [one for one in self._known.values() if one.running]
        unproven = sum(one.running for one in running if not one.is_proven)
        return (
            service.running < service.most and sum(one.running for one in running) < MOST_AT_ONCE
            and (service.is_proven or unproven < MOST_UNPROVEN)
        )

    def _get(self, host: str) -> _Service:
        if host not in self._known and len(self._known) >= _MOST_KNOWN:
            self._known = {name: one for name, one in self._known.items() if one.running or one.is_proven}
        return self._known.setdefault(host, _Service())
