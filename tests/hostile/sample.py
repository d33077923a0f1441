"""A network with data to attack, and the checks of each attack: the state of the database, and the rules of responses."""

import ast
import json
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import folkmoot
from folkmoot.api.endpoints import Endpoint
from folkmoot.api.parameters import on_the_wire
from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.http.routing import Route
from folkmoot.moderation.hash_lists.actions import create_list
from folkmoot.moderation.hash_lists.model import Effect
from folkmoot.network.posts.model import PollDraft, PostDraft, Visibility
from folkmoot.network.scheduled.actions import schedule_post
from folkmoot.network.scheduled.model import ScheduledPost
from folkmoot.network.sessions.apps import register_app
from tests.village import LIMITS, Answer, Village, Visitor

KNOWN_LIST = "known"
_NOT_COMPARED = ("rate_windows", "timed_jobs", "homes", "home_entries")  # change without a request too
_READERS = {
    "text",
    "optional_text",
    "flag",
    "optional_flag",
    "integer",
    "number",
    "id",
    "ids",
    "texts",
    "child",
    "children",
    "file",
}


@dataclass
class Sample:
    """Accounts, and one of everything that has an id."""

    village: Village
    ids: dict[str, str]

    async def member(self) -> Visitor:
        return await self.village.by_browser("jana")

    async def program(self, scopes: str = "read write follow push jury profile") -> Visitor:
        return await self.village.by_app("jana", scopes)


async def build_sample(village: Village) -> Sample:
    await village.settle("jana", "karel", "eva")
    for one, other in (("jana", "karel"), ("karel", "jana")):
        await village.follow(one, other)
    poll = await village.write("karel", "Kam s kašnou? #kasna", poll=PollDraft(titles=("sem", "tam"), expires_in=3600))
    own = await village.write("jana", "Ahoj @karel #kasna https://example.org")
    hidden = await village.write("eva", "jen pro nás", visibility=Visibility.FOLLOWERS)
    await village.write("karel", "@jana důvěrně", visibility=Visibility.DIRECT, reply_to_id=own.post.id)
    await village.write("karel", "odpověď", reply_to_id=own.post.id)
    karel = await village.by_app("karel")
    for verb in ("favourite", "reblog"):
        await karel.post(f"/api/v1/statuses/{own.post.id}/{verb}")
    jana = await village.by_app("jana")
    await jana.post(f"/api/v1/statuses/{poll.post.id}/bookmark")
    made = (await jana.post("/api/v2/filters", {
        "title": "Tramvaj", "context[]": "home", "keywords_attributes[0][keyword]": "tramvaj", "expires_in": 3600
    })).json
    await village.work()
    async with village.database.write() as tx:
        app = await register_app(tx, "Zvonek", ["app://zpet"], "read write")
        await create_list(tx, KNOWN_LIST, Effect.SIGNAL)
    assert poll.post.poll
    notice = (await jana.get("/api/v1/notifications")).json[0]["id"]
    talk = (await jana.get("/api/v1/conversations")).json[0]["id"]
    return Sample(
        village,
        {
            "post": str(own.post.id),
            "poll_post": str(poll.post.id),
            "poll": str(poll.post.poll.id),
            "hidden": str(hidden.post.id),
            "account": str(village.people["karel"].id),
            "notice": notice,
            "talk": talk,
            "scheduled": str((await schedule(village, "jana", "zítra")).id),
            "client": app.client_id,
            "filter": made["id"],
            "keyword": made["keywords"][0]["id"],
        },
    )


async def schedule(village: Village, name: str, text: str) -> ScheduledPost:
    """Schedules a post for tomorrow."""
    async with village.database.write() as tx:
        due_at = clock.now() + timedelta(days=1)
        made = await schedule_post(tx, village.people[name], PostDraft(text=text), due_at, LIMITS)
    assert isinstance(made, ScheduledPost)
    return made


async def state(database: Database) -> dict[str, tuple[int, int]]:
    """(rows, hash of all rows) of every table."""
    async with database.read() as conn:
        rows = await conn.fetch(await _state_sql(database))
    return {row[0]: (row[1], row[2]) for row in rows}


# Of the transactions since a number: the next number, and those that committed and wrote to other tables than those above.
# Rows of these tables carry the transaction that wrote them; a session that writes caches can write nothing else.
_COMMITTED = f"""
    WITH now AS (SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS next)
    SELECT next, ARRAY (
        SELECT number FROM generate_series($1, next - 1) AS number WHERE pg_xact_status(number::text::xid8) <> 'aborted'
        EXCEPT ({" UNION ALL ".join(f"SELECT xmin::text::bigint FROM {table}" for table in _NOT_COMPARED)})
    ) FROM now
"""


async def committed_since(database: Database, number: int) -> tuple[int, list[int]]:
    """(the number of the next transaction, those from `number` on that have committed a change). As exact as comparing
    `state`, and a hundred times cheaper: also a change that leaves all rows as they were counts."""
    async with database.read() as conn:
        [row] = await conn.fetch(_COMMITTED, number)
    return row[0], row[1]


_sql: list[str] = []


async def _state_sql(database: Database) -> str:
    if not _sql:
        async with database.read() as conn:
            tables = [
                row[0]
                for row in await conn.fetch(
                    "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1"
                )
            ]
        _sql.append(
            " UNION ALL ".join(
                f"SELECT '{table}', count(*)::int, coalesce(sum(hashtextextended(t::text, 0)::numeric), 0)::text FROM \"{table}\" AS t"
                for table in tables
                if table not in _NOT_COMPARED
            )
        )
    return _sql[0]


def parameters_of(route: Route) -> list[tuple[str, dict[str, Any]]]:
    """(name as forms send it, JSON Schema) of each parameter: declared by the client API, read from the source of pages."""
    if isinstance(route, Endpoint):
        return [(name, field.schema) for name, field in on_the_wire(route.fields)]
    return [(name, {}) for name in _read_in(route.handler.__module__)]


@cache
def _read_in(module: str) -> tuple[str, ...]:
    """The parameters that a module reads, found in its source, so that a new one is attacked automatically."""
    file = Path(folkmoot.__file__).parents[1] / (module.replace(".", "/") + ".py")
    found = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in _READERS and node.args:
            first = node.args[0]
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                found.add(first.value)
    return tuple(sorted(found))


def check_answer(answer: Answer, application: str, what: object) -> None:
    """Checks the rules for every response."""
    assert answer.status < 500, (what, answer.status, answer.text[:300])
    assert answer.headers["x-content-type-options"] == "nosniff", what
    assert answer.headers["referrer-policy"] == "same-origin", what
    policy = answer.headers["content-security-policy"]
    if "frame-ancestors *" in policy:  # only the page for frames of other sites, which can do nothing
        assert "/embed" in str(what), what
        assert "default-src 'none'; style-src" in policy, what
        assert "form-action 'none'" in policy, what
    else:
        assert "frame-ancestors 'none'" in policy or "sandbox" in policy, what
        assert answer.headers["x-frame-options"] == "DENY", what
    assert "unsafe" not in policy, what
    assert answer.headers["cache-control"], what
    if application == "pages":
        assert "geolocation=()" in answer.headers["permissions-policy"], what
        assert answer.headers["cross-origin-opener-policy"] in ("same-origin", "unsafe-none"), what  # see tests/web/test_popup.py
    if answer.status < 400:
        return
    if application == "api":
        assert answer.headers["content-type"].startswith("application/json"), what
        shape = json.loads(answer.body)
        assert isinstance(shape["error"], str), (what, shape)
        assert shape["error"], (what, shape)
    else:
        assert answer.headers["content-type"].startswith("text/html"), (what, answer.headers)
        assert re.search(r"<h1[^>]*>[^<]+", answer.text), (what, answer.text[:500])
        assert "Traceback" not in answer.text, what
