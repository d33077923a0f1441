"""A body that is received once and read again, within its limits."""

import asyncio
import os
from typing import Any

import pytest

from folkmoot.base.errors import Malformed, WritesPaused
from folkmoot.http import spooled_body
from folkmoot.http.bodies import TooLarge
from folkmoot.http.spooled_body import SpooledBody


def _from_client(*chunks: bytes, ends: bool = True) -> Any:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    if ends:
        messages[-1]["more_body"] = False

    async def receive() -> Any:
        if messages:
            return messages.pop(0)
        return {"type": "http.disconnect"} if not ends else await asyncio.Event().wait()

    return receive


async def _read(body: SpooledBody) -> bytes:
    """As an application reads."""
    found, more = b"", True
    while more:
        message = await body.receive()
        assert message["type"] == "http.request"
        found, more = found + message["body"], message["more_body"]
    return found


@pytest.mark.parametrize("size", [0, 10, 300_000, 2_000_000])
async def test_a_body_is_read_again_as_it_came(size: int) -> None:
    content = os.urandom(size)
    body = SpooledBody(_from_client(content[: size // 3], b"", content[size // 3 :]), 3_000_000)
    await body.receive()  # a first reader stops early
    for _ in range(2):
        body.rewind()
        assert await _read(body) == content
    assert await body.complete() == size
    assert b"".join([chunk async for chunk in body.chunks()]) == content
    body.rewind()
    assert await _read(body) == content
    with pytest.raises(TimeoutError):  # then it waits for the client to leave
        async with asyncio.timeout(0.01):
            await body.receive()
    body.close()
    assert SpooledBody._total == 0


async def test_a_body_above_its_limit_is_refused() -> None:
    body = SpooledBody(_from_client(b"x" * 60, b"x" * 60), 100)
    with pytest.raises(TooLarge):
        await body.complete()
    body.close()
    assert SpooledBody._total == 0


async def test_all_bodies_together_have_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spooled_body, "MOST_KEPT", 100)
    one, other = SpooledBody(_from_client(b"x" * 60), 100), SpooledBody(_from_client(b"x" * 60), 100)
    await one.complete()
    with pytest.raises(WritesPaused):
        await other.complete()
    one.close()
    other.close()
    again = SpooledBody(_from_client(b"x" * 60), 100)
    assert await again.complete() == 60
    again.close()


async def test_a_client_that_leaves_or_trickles_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    left = SpooledBody(_from_client(b"half", ends=False), 100)
    with pytest.raises(Malformed):
        await left.complete()
    monkeypatch.setattr(spooled_body, "BODY_SECONDS", 0.05)

    async def never() -> Any:
        await asyncio.Event().wait()

    slow = SpooledBody(never, 100)
    with pytest.raises(Malformed):
        await slow.complete()
    left.close()
    slow.close()
