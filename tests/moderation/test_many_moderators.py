"""Many open cases and many moderators: what a page costs does not grow with the queue, and no case is decided twice or stuck."""

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.connections import ReadConn
from folkmoot.base.db import Database
from folkmoot.config import Moderation
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import list_queue
from folkmoot.moderation.workspace.actions import AHEAD
from folkmoot.network.sessions.model import Role
from tests import series
from tests.moderation.court import Court
from tests.village import Village

_MODERATORS = 20
_MANY = 26_000
_SCANNED = 2_000  # rows that a statement may read or sort without an index that carries the order


@contextmanager
def _recorded(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[str, tuple[Any, ...]]]]:
    """The statements that are read, with their parameters."""
    found: list[tuple[str, tuple[Any, ...]]] = []
    with monkeypatch.context() as patch:
        for name in ("fetch", "fetchrow", "fetchval"):
            original = getattr(ReadConn, name)

            def record(self: ReadConn, sql: str, *args: Any, original: Any = original) -> Any:
                found.append((sql, args))
                return original(self, sql, *args)

            patch.setattr(ReadConn, name, record)
        yield found


def _nodes(plan: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield plan
    for part in plan.get("Plans", ()):
        yield from _nodes(part)


async def _costly(database: Database, statements: list[tuple[str, tuple[Any, ...]]]) -> list[str]:
    """Statements that read a whole table or sort the whole queue, by their plan."""
    found = []
    async with database.read() as conn:
        for sql, args in statements:
            if not sql.lstrip(" \n(").startswith(("SELECT", "WITH")) or " FOR UPDATE" in sql:
                continue
            answer = msgspec.json.decode(await conn.fetchval("EXPLAIN (FORMAT JSON) " + sql, *args))
            for node in _nodes(answer[0]["Plan"]):
                if node["Node Type"] in ("Seq Scan", "Sort", "Bitmap Heap Scan") and node["Plan Rows"] > _SCANNED:
                    found.append(f"{node['Node Type']} of {node['Plan Rows']} rows: {sql[:300]}")
    return found


async def _fill(database: Database) -> None:
    async with database.write() as tx:
        await tx.execute(
            "INSERT INTO cases (id, subject, subject_id, account_id, state, clause, severity, probability, harm, opened_at, due_at)"
            " SELECT n, 'post', n, n % 1000 + 1, 'open', CASE WHEN n % 3 = 0 THEN 'violence' ELSE 'spam' END,"
            " CASE WHEN n % 3 = 0 THEN 0.9 ELSE 0.2 END, 0.5, random(), now(), now() + random() * interval '7 days'"
            f" FROM generate_series(1, {_MANY}) AS n"
        )
        await tx.execute("ANALYZE cases")


async def test_a_page_costs_as_much_with_26_000_open_cases_as_with_one(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    view = await court.village.write("author", "Přijďte si pro ránu.")
    await court.report("reporter", view, clauses=("violence",))
    case, = await court.queue()
    moderator, app = await court.village.by_browser("moderator"), await court.village.by_app("moderator", "admin:read admin:write")
    pages = ((moderator, "/moderate"), (moderator, f"/moderate/cases/{case.id}"), (app, "/api/folkmoot/v1/moderation/desk"))

    async def ask() -> list[int]:
        counts = []
        for visitor, path in pages:
            with _recorded(monkeypatch) as found:
                assert (await visitor.get(path)).status == 200
            counts.append(len(found))
            every.extend(found)
        return counts

    every: list[tuple[str, tuple[Any, ...]]] = []
    await ask()  # the first visit of a day is stored
    few = await ask()
    every.clear()
    await _fill(court.database)
    assert all(count <= before + 1 for count, before in zip(await ask(), few, strict=True))  # the viewer may have to be read again
    with _recorded(monkeypatch) as found:
        assert (await app.post("/api/folkmoot/v1/moderation/next")).json["case"]
    every += found
    assert len(every) > 30
    assert not await _costly(court.database, every)
    whole = [("SELECT id FROM cases WHERE state = 'open' ORDER BY severity, opened_at", ())]
    assert await _costly(court.database, whole)  # the check finds a statement that sorts the queue
    counts = re.findall(r"<span data-count>([^<]+)</span>", (await moderator.get("/moderate")).text)
    assert "9+" in counts
    assert not {"10", "26001"} & set(counts), "nobody is shown the whole backlog, nor a number that it is not"


async def test_twenty_moderators_decide_each_case_once_and_leave_none_stuck(village: Village) -> None:
    settings = msgspec.structs.replace(village.settings, moderation=Moderation(cases_per_day=1000))
    court = await Court(Village(village.database, settings)).open()
    village = court.village
    names = [f"moderator_{number}" for number in range(_MODERATORS)]
    await village.settle(*names, role=Role.MODERATOR)
    for number in range(series.length(40, 400)):
        await court.report("reporter", await village.write("author", f"Rána číslo {number}."), clauses=("violence",))
    cases = await _all_open(court)
    dice = series.dice("twenty moderators")
    results: list[tuple[int, int]] = []  # (case, status) of each decision that was sent
    taken: list[str] = []

    async def work(name: str, ahead: float = 0.2) -> None:
        app = await village.by_app(name, "admin:read admin:write")
        base = "/api/folkmoot/v1/moderation"
        while found := (await app.post(f"{base}/next")).json["case"]:
            taken.append(found["id"])
            if dice.random() < ahead:  # another one is fetched in advance, and never shown
                await app.post(f"{base}/next", {"without[]": [found["id"]], "ahead": "true"})
            details = (await app.get(f"{base}/cases/{found['id']}")).json
            for case_id in {found["id"], dice.choice(taken)}:  # also one that somebody else may hold, or has decided
                form = {"version": details["version"], "action": "remove", "rule": "2"}
                if case_id != found["id"]:
                    form["version"] = (await app.get(f"{base}/cases/{case_id}")).json["version"]
                results.append((int(case_id), (await app.post(f"{base}/cases/{case_id}/decide", form)).status))

    await asyncio.gather(*(work(name) for name in names))
    with clock.stopped_at(clock.now() + 2 * AHEAD):  # what was fetched in advance is kept from others for a minute only
        await work(names[0], ahead=0)
    assert {status for _, status in results} <= {200, 409}
    decided = sorted(case_id for case_id, status in results if status == 200)
    assert decided == sorted(case.id for case in cases)  # each once
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM verdicts") == len(cases)
        assert not await conn.fetch("SELECT case_id FROM case_seats WHERE state = 'held'")
    assert not await _all_open(court)


async def _all_open(court: Court) -> list[Case]:
    async with court.database.read() as conn:
        return await list_queue(conn, clock.now(), 1000)
