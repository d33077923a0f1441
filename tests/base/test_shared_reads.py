"""Who asks while other reads run shares the next one, which starts after all who share it have asked."""

import asyncio
from collections.abc import Sequence

import pytest

from folkmoot.base import shared_reads
from folkmoot.base.errors import Unavailable
from folkmoot.base.shared_reads import SharedReads


class _Source:
    """Answers each key with the number of the call; a call ends when it is let."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.ends: list[asyncio.Event] = []
        self.reads = SharedReads(self._read)

    async def _read(self, keys: Sequence[str]) -> dict[str, int]:
        number = len(self.calls)
        self.calls.append(list(keys))
        self.ends.append(asyncio.Event())
        await self.ends[number].wait()
        if "away" in keys:
            raise Unavailable
        if "wrong" in keys:
            raise ValueError
        return dict.fromkeys(keys, number)

    async def ask(self, *keys: str) -> list[asyncio.Task[int]]:
        asked = [asyncio.create_task(self.reads.get(key)) for key in keys]
        for _ in range(3):  # until they have reached the reads
            await asyncio.sleep(0)
        return asked

    async def end(self, number: int) -> None:
        self.ends[number].set()
        for _ in range(6):
            await asyncio.sleep(0)


@pytest.fixture
def source(monkeypatch: pytest.MonkeyPatch) -> _Source:
    monkeypatch.setattr(shared_reads, "PATIENCE", 3600.0)
    return _Source()


async def test_who_asks_while_others_are_read_shares_the_next_read_and_never_one_that_has_begun(source: _Source) -> None:
    first = await source.ask("anna", "bozena")
    assert source.calls == [["anna"], ["bozena"]]
    later = await source.ask("anna", "cyril", "anna")
    assert len(source.calls) == 2
    await source.end(0)
    assert source.calls[2:] == [["anna", "cyril"]]
    latest = await source.ask("cyril")
    assert len(source.calls) == 3
    for number in (1, 2, 3):
        await source.end(number)
    assert [await task for task in first + later + latest] == [0, 1, 2, 2, 2, 3]


async def test_a_read_that_fails_fails_alone_and_a_database_that_is_away_is_asked_once(source: _Source) -> None:
    await source.ask("anna", "bozena")
    asked = await source.ask("wrong", "cyril")
    await source.end(0)
    for number in (2, 3, 4):  # together, then each alone
        await source.end(number)
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert source.calls[2:] == [["wrong", "cyril"], ["wrong"], ["cyril"]]
    assert (type(outcomes[0]), outcomes[1]) == (ValueError, 4)
    await source.ask("dana")  # in the place of the first
    asked = await source.ask("away", "cyril")
    await source.end(1)
    await source.end(6)
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert source.calls[6:] == [["away", "cyril"]]
    await source.end(5)


async def test_who_is_cancelled_takes_nothing_from_the_others(source: _Source) -> None:
    await source.ask("anna", "bozena")
    left, stays = await source.ask("cyril", "cyril")
    left.cancel()
    await source.end(0)
    await source.end(2)
    assert await stays == 2
    await source.end(1)


async def test_slow_reads_do_not_hold_up_everybody_else(source: _Source, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_reads, "PATIENCE", 0.001)
    await source.ask("anna", "bozena")
    (asked,) = await source.ask("cyril")
    async with asyncio.timeout(60):
        while len(source.calls) < 3:
            await asyncio.sleep(0.001)
        source.ends[2].set()
        assert await asked == 2
    await source.end(0)
    await source.end(1)
