"""The demo content of a new network."""

from pathlib import Path

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.commands.demo import create_demo, has_demo
from folkmoot.moderation.cases.queries import count_open, count_stuck
from folkmoot.moderation.jurors.actions import apply
from folkmoot.moderation.jurors.model import Choices, State
from folkmoot.moderation.rules.backtest import Backtest, Limits
from folkmoot.moderation.rules.published import shipped as rules
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.sessions.model import Role, Viewer
from folkmoot.network.sessions.queries import get_login
from tests.village import settings_for, work


async def test_the_demo_moderators_can_decide_each_case(db: Database, dsn: str, tmp_path: Path) -> None:
    settings = settings_for(tmp_path, dsn)
    await create_demo(settings)
    await work(db, settings)
    async with db.read() as conn:
        assert await has_demo(conn)
        assert (await count_open(conn, clock.now())).open >= 3
        assert await count_stuck(conn) == 0
        assert await conn.fetchval("SELECT count(*) FROM signals WHERE detector LIKE 'rule %'") == 0
    met = await Backtest(db, rules()[-1].rules, settings.domain).run(Limits(days=3650))
    assert (met.posts > 20, met.met) == (True, 0)


async def test_the_demo_members_can_apply_for_the_jury(db: Database, dsn: str, tmp_path: Path) -> None:
    await create_demo(settings_for(tmp_path, dsn))
    async with db.write() as tx:
        ids = [row["id"] for row in await tx.fetch("SELECT account_id AS id FROM logins WHERE role = $1", Role.MEMBER.value)]
        for account_id in ids:
            viewer = Viewer(account=await get_account(tx, account_id), login=await get_login(tx, account_id))
            assert (await apply(tx, viewer, Choices(languages=("cs",)))).state is State.APPLIED
    assert len(ids) == 7
