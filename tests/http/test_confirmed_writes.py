"""With replication.synchronous = chosen: which transactions wait for the standby. The tables decide (migration 0050)."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from folkmoot.base import commits, pools
from folkmoot.base.db import Database
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.network.posts.actions import delete_post, edit_post
from folkmoot.network.posts.model import PostDraft, Visibility
from tests.moderation.court import Court
from tests.village import LIMITS, Village
from tests.web.test_pages import send

CHOSEN = """
    SELECT c.relname FROM pg_class AS c JOIN pg_trigger AS t ON t.tgrelid = c.oid WHERE t.tgname = 'b_standby_confirms'
"""
WRITTEN = "SELECT relname FROM pg_stat_xact_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0"
DIRECT = {"direct messages"}
PEOPLE = {"accounts", "logins", "sessions", "tokens", "one_time_codes", "authorization_codes", "invitations", "departures", "blocks"}
MODERATION = {
    "appeals", "case_seats", "cases", "evidence", "evidence_media", "journal", "journal_heads", "report_cases", "reports", "restrictions",
    "statements", "verdicts",
}


@dataclass
class Recorder:
    """What each transaction wrote, and how it committed."""

    commits: list[tuple[set[str], str]] = field(default_factory=list)

    def since(self, start: int) -> dict[str, set[str]]:
        """The tables that were written, by the way in which their transactions committed."""
        found: dict[str, set[str]] = {}
        for tables, how in self.commits[start:]:
            found.setdefault(how, set()).update(tables)
        return found


@pytest.fixture(autouse=True)
def chosen(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """The sessions have the default that PostgreSQL gets with this mode, and each commit is recorded."""
    recorder, run, settings = Recorder(), commits.Commits.run, pools.session_settings

    def with_default(name: str, *, read_only: bool) -> dict[str, str]:
        return {**settings(name, read_only=read_only), "synchronous_commit": "local"}

    async def recorded(self: commits.Commits, session: Any, **how: bool) -> None:
        tables = {row["relname"] for row in await session.fetch(WRITTEN)}
        if "posts" in tables and await session.fetchval("SELECT EXISTS (SELECT FROM posts WHERE visibility = 3 AND xmin::text::bigint ="
                                                        " pg_current_xact_id()::text::bigint % 4294967296)"):
            tables |= DIRECT
        recorder.commits.append((tables, await session.fetchval("SHOW synchronous_commit")))
        await run(self, session, **how)
        await session.execute("SELECT pg_stat_force_next_flush()")  # else the numbers of this transaction are added to the next one

    monkeypatch.setattr(pools, "session_settings", with_default)
    monkeypatch.setattr(commits.Commits, "run", recorded)
    return recorder


@pytest.fixture
async def chosen_tables(db: Database) -> AsyncIterator[set[str]]:
    async with db.read() as conn:
        yield {row["relname"] for row in await conn.fetch(CHOSEN)}


async def test_accounts_secrets_and_moderation_are_chosen_and_a_new_table_is_too(db: Database, chosen_tables: set[str]) -> None:
    assert chosen_tables >= PEOPLE | MODERATION
    assert not chosen_tables & {"posts", "favourites", "notifications", "markers", "jobs", "events", "counter_deltas"}
    with pytest.raises(ZeroDivisionError):
        async with db.write() as tx:
            await tx.execute("CREATE TABLE new_secrets (id int); CREATE UNLOGGED TABLE new_cache (id int)")
            await tx.execute("SELECT choose_confirmed_tables()")
            assert {row["relname"] for row in await tx.fetch(CHOSEN)} - chosen_tables == {"new_secrets"}
            raise ZeroDivisionError


async def test_every_transaction_that_writes_a_chosen_table_waits_and_no_other_does(
    village: Village, chosen: Recorder, chosen_tables: set[str]
) -> None:
    court = await Court(village).open()
    anna = await village.by_app("reader")
    post = await village.write("author", "Svolám na něj lidi")
    await village.follow("reader", "author")
    assert (await anna.post(f"/api/v1/statuses/{post.post.id}/favourite")).status == 200
    form = {"username": "jana", "email": "jana@example.org", "password": "lipa nad kasnou", "agrees": "1"}
    assert (await send(village.nobody(), "/sign_up", "/sign_up", **form)).status == 303
    assert (await anna.post("/api/v1/statuses", {"status": "@author Jen pro tebe", "visibility": "direct"})).status == 200
    await court.report("reporter", post, clauses=("violence",))
    verdict = await court.decide("moderator", (await court.queue())[0], "hide")
    async with village.database.write() as tx:
        await lodge_appeal(tx, village.people["author"], verdict.id, "Nikoho jsem nesvolával.")
    found = chosen.since(0)
    waited = found.pop("on")
    assert waited >= {"accounts", "logins", "tokens", "reports", "cases", "verdicts", "restrictions", "statements", "appeals"} | DIRECT
    assert {"posts", "favourites", "follows"} <= found["local"]
    assert not found["local"] & (chosen_tables | DIRECT)
    assert found["off"] <= {"jobs", "logins", "sessions", "tokens"}, "claims of jobs, and when somebody was last here"


async def test_an_edited_and_a_deleted_message_wait_and_a_public_post_does_not(village: Village, chosen: Recorder) -> None:
    [author, _] = await village.settle("author", "reader")
    for visibility, how in ((Visibility.DIRECT, "on"), (Visibility.PUBLIC, "local")):
        start = len(chosen.commits)
        view = await village.write("author", "@reader Ahoj", visibility=visibility)
        async with village.database.write() as tx:
            await edit_post(tx, author, view.post.id, PostDraft(text="@reader Nazdar", visibility=visibility), LIMITS)
        async with village.database.write() as tx:
            await delete_post(tx, author, view.post.id)
        assert [commit for _, commit in chosen.commits[start:]] == [how] * 3


async def test_a_page_that_is_read_does_not_wait(village: Village, chosen: Recorder) -> None:
    await village.settle("author", "reader")
    await village.follow("reader", "author")
    await village.write("author", "Ahoj")
    browser = await village.by_browser("reader")
    start = len(chosen.commits)
    assert (await browser.get("/")).status == 200
    assert chosen.since(start).keys() == {"off"}
