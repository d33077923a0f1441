"""Keys that arrive together are handled by one call, and one that fails fails alone."""

import asyncio

import pytest

from folkmoot.base.db import Database
from folkmoot.base.errors import Unavailable
from folkmoot.base.gathering import Gathering


async def test_keys_that_arrive_together_are_handled_by_one_call(db: Database) -> None:
    calls: list[list[int]] = []

    async def handle(_database: Database, keys: list[int]) -> None:
        calls.append(keys)

    gathering = Gathering(handle)
    await asyncio.gather(*(gathering.add(db, key) for key in (1, 2, 3, 2)))
    await gathering.add(db, 1)
    assert calls == [[1, 2, 3], [1]]


async def test_a_key_that_fails_does_not_fail_the_others(db: Database) -> None:
    handled: list[int] = []

    async def handle(_database: Database, keys: list[int]) -> None:
        if 2 in keys:
            raise ValueError("two")
        handled.extend(keys)

    gathering = Gathering(handle)
    outcomes = await asyncio.gather(*(gathering.add(db, key) for key in (1, 2, 3)), return_exceptions=True)
    assert handled == [1, 3]
    assert [type(outcome) for outcome in outcomes] == [type(None), ValueError, type(None)]


async def test_a_database_that_is_away_is_asked_once_for_all(db: Database) -> None:
    calls = 0

    async def handle(_database: Database, _keys: list[int]) -> None:
        nonlocal calls
        calls += 1
        raise Unavailable

    gathering = Gathering(handle)
    outcomes = await asyncio.gather(*(gathering.add(db, key) for key in (1, 2, 3)), return_exceptions=True)
    assert (calls, {type(outcome) for outcome in outcomes}) == (1, {Unavailable})
    with pytest.raises(Unavailable):
        await gathering.add(db, 1)


async def test_what_comes_while_a_call_runs_is_handled_by_the_next_one_and_who_is_cancelled_takes_nothing_away(db: Database) -> None:
    calls: list[list[int]] = []
    may_end = asyncio.Event()

    async def handle(_database: Database, keys: list[int]) -> dict[int, str]:
        calls.append(keys)
        await may_end.wait()
        return {key: f"number {key}" for key in keys if key < 3}

    gathering = Gathering(handle)
    first, cancelled = [asyncio.create_task(gathering.add(db, 1)) for _ in range(2)]
    while not calls:
        await asyncio.sleep(0)
    cancelled.cancel()
    others = [asyncio.create_task(gathering.add(db, key)) for key in (2, 3)]
    await asyncio.sleep(0)
    may_end.set()
    assert await asyncio.gather(first, *others) == ["number 1", "number 2", None]
    assert calls == [[1], [2, 3]]
    with pytest.raises(asyncio.CancelledError):
        await cancelled
