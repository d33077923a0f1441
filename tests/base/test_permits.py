"""A semaphore with a time limit: permits are given in turn, and none is lost when waiting ends otherwise."""

import asyncio

import pytest

from folkmoot.base.permits import Permits


async def _waiting(permits: Permits, seconds: float = 60) -> "asyncio.Task[None]":
    task = asyncio.create_task(permits.wait(seconds))
    await asyncio.sleep(0)
    return task


async def test_permits_are_given_in_turn() -> None:
    permits = Permits(1)
    assert permits.take()
    first, second = await _waiting(permits), await _waiting(permits)
    permits.give_back()
    assert not permits.take()  # it is for those who wait
    await first
    assert not second.done()
    permits.give_back()
    await second
    permits.give_back()
    assert permits.take()


async def test_waiting_ends_after_its_time_and_takes_no_permit() -> None:
    permits = Permits(1)
    assert permits.take()
    patient, short = await _waiting(permits), await _waiting(permits, 0.01)
    with pytest.raises(TimeoutError):
        await short
    assert not patient.done()
    permits.give_back()
    await patient
    permits.give_back()
    assert permits.take()


async def test_each_wait_has_its_own_limit() -> None:
    permits = Permits(1)
    assert permits.take()
    ended = [await _waiting(permits, seconds) for seconds in (0.01, 0.03)]
    for one in ended:
        with pytest.raises(TimeoutError):
            await one
    later = await _waiting(permits, 0.01)  # a new timer, after the old one has ended
    with pytest.raises(TimeoutError):
        await later


@pytest.mark.parametrize("is_given", [False, True])
async def test_a_cancelled_wait_loses_no_permit(is_given: bool) -> None:
    permits = Permits(1)
    assert permits.take()
    cancelled, next_one = await _waiting(permits), await _waiting(permits)
    if is_given:
        permits.give_back()  # its permit is there, but it has not run yet
    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    if not is_given:
        permits.give_back()
    await next_one
    permits.give_back()
    assert permits.take()
