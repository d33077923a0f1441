"""Two coroutines side by side: whichever ends first ends the other one, and is heard."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from folkmoot.http.side_by_side import until_one_ends


class _Log(list[str]):
    async def sleep(self, name: str) -> None:
        try:
            await asyncio.sleep(30)
        except asyncio.CancelledError:
            await asyncio.sleep(0)  # it may still say goodbye
            self.append(f"{name} was cancelled")
            raise


async def _end() -> None:
    await asyncio.sleep(0)


async def _fail() -> None:
    await asyncio.sleep(0)
    raise OSError("the client has left")


async def _time_out() -> None:
    raise TimeoutError("its own")


@pytest.mark.parametrize(("ends", "error"), [(_end, None), (_fail, OSError), (_time_out, TimeoutError)])
@pytest.mark.parametrize("is_here", [True, False])
async def test_the_first_end_ends_both(ends: Callable[[], Awaitable[None]], error: type[Exception] | None, is_here: bool) -> None:
    log = _Log()
    pair = (ends(), log.sleep("the other")) if is_here else (log.sleep("the other"), ends())
    if error:
        with pytest.raises(error):
            await until_one_ends(*pair)  # type: ignore[arg-type]
    else:
        await until_one_ends(*pair)  # type: ignore[arg-type]
    await asyncio.sleep(0)  # where a cancellation that came too late would be raised
    assert log == ([] if is_here and ends is _time_out else ["the other was cancelled"])  # that one had not begun


async def test_both_end_at_once() -> None:
    await until_one_ends(_end(), _end())
    await asyncio.sleep(0)


async def test_a_cancelled_pair_is_cancelled_on_both_sides() -> None:
    log = _Log()
    task = asyncio.create_task(until_one_ends(log.sleep("here"), log.sleep("beside")))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert sorted(log) == ["beside was cancelled", "here was cancelled"]
