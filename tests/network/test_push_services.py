"""How messages to busy, slow and dead push services are put off, with a clock of the test."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from folkmoot.base import clock
from folkmoot.network.web_push.services import MOST_AT_ONCE, MOST_FAILURES, MOST_OF_ONE, MOST_OF_UNPROVEN, MOST_UNPROVEN, Services


class _Clock:
    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at = 1000.0
        monkeypatch.setattr(clock, "monotonic", lambda: self.at)


@pytest.fixture
def time(monkeypatch: pytest.MonkeyPatch) -> _Clock:
    return _Clock(monkeypatch)


@pytest.fixture
def messages() -> Iterator[ExitStack]:
    """The messages that are being sent."""
    with ExitStack() as found:
        yield found


def _prove(services: Services, *hosts: str) -> None:
    for host in hosts:
        services.note_answer(host)


def test_one_service_has_few_places_and_the_rest_is_spread_over_time(time: _Clock) -> None:
    services = Services()
    _prove(services, "a", "b")
    running = [services.sending("a") for _ in range(MOST_OF_ONE)]
    for one in running:
        assert services.wait("a") == 0
        one.__enter__()
    delays = [services.wait("a") for _ in range(100)]
    assert delays == sorted(set(delays)), "each has a time of its own"
    assert delays[0] >= 0.5
    assert delays[-1] < 10
    assert services.wait("b") == 0
    time.at += 0.1
    running[0].__exit__(None, None, None)
    assert services.wait("a") == 0


def test_services_that_never_answered_share_few_places(time: _Clock, messages: ExitStack) -> None:
    services = Services()
    _prove(services, "known")
    for number in range(MOST_UNPROVEN):
        assert services.wait(f"new{number}") == 0
        messages.enter_context(services.sending(f"new{number}"))
    assert services.wait("one more") > 0
    assert services.wait("known") == 0


def test_a_service_that_never_answered_leaves_places_for_other_new_ones(time: _Clock, messages: ExitStack) -> None:
    services = Services()
    for _ in range(MOST_OF_UNPROVEN):
        assert services.wait("dead") == 0
        messages.enter_context(services.sending("dead"))
    assert services.wait("dead") > 0
    assert services.wait("new") == 0


def test_all_services_together_leave_room_for_other_jobs(time: _Clock, messages: ExitStack) -> None:
    services = Services()
    hosts = [f"known{number}" for number in range(MOST_AT_ONCE)]
    _prove(services, *hosts, "last")
    for host in hosts:
        assert services.wait(host) == 0
        messages.enter_context(services.sending(host))
    assert services.wait("last") > 0
    assert MOST_AT_ONCE <= 50, "half of the jobs of a worker"


def test_a_dead_service_is_left_alone_for_longer_each_time_and_tried_by_one(time: _Clock) -> None:
    services = Services()
    for _ in range(MOST_FAILURES):
        assert services.wait("dead") == 0
        services.note_failure("dead")
    pauses = []
    for _ in range(8):
        pause = services.wait("dead")
        pauses.append(round(pause))
        time.at += pause
        assert services.wait("dead") == 0
        with services.sending("dead"):
            assert services.wait("dead") > 0, "one message tries it"
        services.note_failure("dead")
    assert pauses[:4] == [30, 60, 120, 240]
    assert pauses[-1] == 900
    time.at += services.wait("dead")
    assert services.wait("dead") == 0
    services.note_answer("dead")
    with services.sending("dead"):
        assert services.wait("dead") == 0, "it is back"


@pytest.mark.slow
def test_what_is_known_of_services_is_bounded(time: _Clock) -> None:
    services = Services()
    _prove(services, "known")
    for number in range(25_000):
        services.wait(f"host{number}")
    assert len(services._known) <= 10_001
    assert "known" in services._known
