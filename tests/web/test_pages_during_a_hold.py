"""Pages that write by the way, such as how far somebody has read, are shown without delay while writes are held."""

import asyncio

import pytest

from folkmoot.base import write_gate
from folkmoot.network.posts.model import Visibility
from tests.village import Village
from tests.waiting import SECONDS

_AT_GATE = 15  # seconds that a write waits there


async def test_pages_do_not_wait_for_a_hold(village: Village, dsn: str) -> None:
    jana, _ = await village.settle("jana", "karel")
    await village.follow("jana", "karel")
    await village.write("karel", "Dobrý den")
    await village.write("karel", "@jana ahoj", visibility=Visibility.DIRECT)
    await village.write("karel", "@jana nahlas")
    await village.work()
    async with village.database.read() as conn:
        conversation = await conn.fetchval("SELECT conversation_id FROM conversations WHERE account_id = $1", jana.id)
    paths = ("/", "/notifications", f"/messages/{conversation}")
    karel, browser = await village.by_browser("karel"), await village.by_browser("jana")  # the first visit of the day is stored too
    for path in paths:
        await karel.get(path)  # the templates are read now
    async with write_gate.hold(dsn, SECONDS):
        for path in paths:
            async with asyncio.timeout(_AT_GATE - 1):
                assert (await browser.get(path)).status == 200, path
    async with village.database.read() as conn:
        markers = "SELECT count(*) FROM markers WHERE account_id = $1"
        assert await conn.fetchval(markers, jana.id) == 0
        for path in ("/", "/notifications"):
            await browser.get(path)
        assert await conn.fetchval(markers, jana.id) == 2


@pytest.mark.parametrize("path", ["/api/v1/timelines/home", "/api/v1/notifications"])
async def test_apps_read_during_a_hold(village: Village, dsn: str, path: str) -> None:
    await village.settle("jana")
    jana = await village.by_app("jana")
    async with write_gate.hold(dsn, SECONDS), asyncio.timeout(_AT_GATE - 1):
        assert (await jana.get(path)).status in (200, 206)
