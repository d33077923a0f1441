"""Calls to jurors: one at a time, one mail a day, and nothing when nothing waits any more."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.moderation.reviewing import actions
from folkmoot.moderation.reviewing.jobs import call_jurors
from folkmoot.network.notifications.model import Kind
from tests.moderation.court import Court
from tests.moderation.review_table import ReviewTable


@pytest.fixture
async def table(court: Court) -> ReviewTable:
    made = ReviewTable(court)
    await made.make_jurors("jana", "eva")
    return made


async def _calls(table: ReviewTable, name: str) -> int:
    return len([kind for kind, _ in await table.court.told(name) if kind == Kind.JURY])


async def _mails(table: ReviewTable) -> list[str]:
    """To whom mails about calls were written."""
    await table.village.work()
    files = sorted((table.village.settings.data / "outbox").glob("*jury_call*"))
    return [line for file in files for line in file.read_text().splitlines() if line.startswith("To: ")]


async def test_a_juror_is_called_once_however_many_items_wait(table: ReviewTable) -> None:
    await table.seated("jana", "One.")
    await call_jurors(table.database)
    assert (await _calls(table, "jana"), await _calls(table, "eva")) == (1, 0)
    await table.seated("jana", "Two.")
    await call_jurors(table.database)
    assert await _calls(table, "jana") == 1
    assert await _mails(table) == ["To: jana@example.org"]


async def test_a_call_ends_when_nothing_waits_and_the_next_one_is_mailed_a_day_later(table: ReviewTable) -> None:
    await table.seated("jana", "One.")
    await call_jurors(table.database)
    await table.judge("jana", "")
    await call_jurors(table.database)
    assert await _calls(table, "jana") == 0
    await table.seated("jana", "Two.")
    await call_jurors(table.database)
    assert (await _calls(table, "jana"), len(await _mails(table))) == (1, 1)
    with clock.stopped_at(clock.now() + timedelta(hours=3)):  # the invitation has ended
        await call_jurors(table.database)
        assert await _calls(table, "jana") == 0
    with clock.stopped_at(clock.now() + timedelta(days=1)):
        await table.seated("jana", "Three.")
        await call_jurors(table.database)
    assert (await _calls(table, "jana"), len(await _mails(table))) == (1, 2)


async def test_who_wants_no_mails_gets_none_and_who_pauses_is_not_called(table: ReviewTable) -> None:
    viewer = await table.box.viewer("jana")
    async with table.database.write() as tx:
        await actions.choose_mails(tx, viewer, wants=False)
        await tx.execute("UPDATE jurors SET state = 'paused' WHERE account_id = $1", table.village.people["eva"].id)
    _, case = await table.open_case()
    await table.seat(case, "jana", "eva")
    await call_jurors(table.database)
    assert (await _calls(table, "jana"), await _calls(table, "eva")) == (1, 0)
    assert not await _mails(table)


async def test_calls_take_the_same_statements_for_many_jurors(table: ReviewTable) -> None:
    async def taken() -> int:
        before = table.database.statements
        await call_jurors(table.database)
        return table.database.statements - before

    _, case = await table.open_case()
    await table.seat(case, "jana")
    one = await taken()
    await table.make_jurors(*(f"k{place}" for place in range(8)))
    _, second = await table.open_case("Another.")
    await table.seat(second, *(f"k{place}" for place in range(8)))
    assert await taken() == one


async def test_a_call_says_nothing_to_apps_and_leaves_nothing_in_the_log_of_events(table: ReviewTable) -> None:
    await table.seated("jana")
    await call_jurors(table.database)
    jana = await table.village.by_app("jana")
    assert (await jana.get("/api/v1/notifications")).json == []
    assert (await jana.get("/api/v1/notifications/unread_count")).json["count"] == 0
    page = (await (await table.village.by_browser("jana")).get("/notifications")).text
    assert "The jury needs you for a moment." in page
    async with table.database.read() as conn:
        events = [str(dict(row)) for row in await conn.fetch("SELECT kind, payload FROM events")]
        journal = [str(dict(row)) for row in await conn.fetch("SELECT * FROM journal")]
    named = str(table.village.people["jana"].id)
    assert not [event for event in events if "jur" in event and named in event]
    assert not [row for row in journal if named in row]
