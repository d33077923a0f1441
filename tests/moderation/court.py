"""A test network with moderators. Its methods report, claim and decide through the same actions as the pages."""

from typing import Any

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.base.queue.queries import retry_jobs
from folkmoot.moderation.cases.actions import claim_case
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import get_case, list_queue
from folkmoot.moderation.reports.actions import file_report
from folkmoot.moderation.reports.model import Report, ReportDraft
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision, Verdict
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.model import PostView
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import get_login
from tests.village import Village


async def somebody_waits(database: Database) -> bool:
    """Whether a session of this database waits for a lock."""
    async with database.read() as conn:
        return bool(await conn.fetchval(
            "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock')"
        ))


class Court:
    """Accounts: author, reader, two reporters, two moderators."""

    def __init__(self, village: Village) -> None:
        self.village = village
        self.database = village.database

    async def open(self) -> "Court":
        await self.village.settle("author", "reader", "reporter", "other_reporter")
        await self.village.settle("moderator", "other_moderator", role=Role.MODERATOR)
        return self

    async def viewer(self, name: str) -> Viewer:
        async with self.database.read() as conn:
            account = await get_account(conn, self.village.people[name].id)
            return Viewer(account=account, login=await get_login(conn, account.id))

    async def report(self, name: str, *views: PostView, account: str = "author", **draft: Any) -> Report:
        posts = tuple(view.post.id for view in views)
        async with self.database.write() as tx:
            return await file_report(
                tx, self.village.people[name], ReportDraft(account_id=self.village.people[account].id, post_ids=posts, **draft)
            )

    async def queue(self) -> list[Case]:
        async with self.database.read() as conn:
            return await list_queue(conn, clock.now(), 100)

    async def case(self, case_id: int) -> Case:
        async with self.database.read() as conn:
            return await get_case(conn, case_id)

    async def claim(self, name: str, case: Case) -> Case:
        moderator = await self.viewer(name)
        async with self.database.write() as tx:
            return await claim_case(tx, moderator, case.id)

    async def decide(self, name: str, case: Case, action: str, clause: str = "violence", **decision: Any) -> Verdict:
        """Claims and decides a case, and settles the verdict."""
        await self.claim(name, case)
        moderator = await self.viewer(name)
        async with self.database.write() as tx:
            verdict = await decide_case(
                tx, moderator, case.id, Decision(action=action, clause="" if action == "keep" else clause, **decision)
            )
        await self.let_half_a_minute_pass()
        return verdict

    async def let_half_a_minute_pass(self) -> None:
        """Makes delayed jobs due, and runs them."""
        async with self.database.write() as tx:
            await retry_jobs(tx, later_too=True)
        await self.village.work()

    async def told(self, name: str) -> list[tuple[str, int]]:
        """(kind, reference) of the account's notifications from the network, oldest first."""
        async with self.database.read() as conn:
            rows = await conn.fetch(
                "SELECT kind, reference_id FROM notifications WHERE account_id = $1 AND reference_id IS NOT NULL ORDER BY id",
                self.village.people[name].id,
            )
        return [(row["kind"], row["reference_id"]) for row in rows]

    async def journal(self, case: Case) -> list[str]:
        async with self.database.read() as conn:
            rows = await conn.fetch("SELECT kind FROM journal WHERE case_id = $1 ORDER BY id", case.id)
        return [row["kind"] for row in rows]

    async def sees(self, name: str, view: PostView) -> bool:
        """Whether an account can read the post through the client API."""
        visitor = await self.village.by_app(name)
        return (await visitor.get(f"/api/v1/statuses/{view.post.id}")).status == 200
