"""`moot jury` against a real database, in this process."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest

from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import Case
from tests.commands.test_policy_and_hashes import Moot
from tests.commands.test_policy_and_hashes import moot as moot
from tests.moderation.court import Court
from tests.moderation.jury_room import JuryRoom
from tests.village import Village, settings_for


@pytest.fixture
def case(dsn: str, tmp_path: Path) -> Case:
    """A case that a jury has decided."""

    async def make() -> Case:
        database = await Database.open(dsn)
        try:
            room = await JuryRoom(await Court(Village(database, settings_for(tmp_path / "village", dsn))).open()).open()
            _, case = await room.case()
            await room.form()
            await room.answer_all(case, "violence")
            return case
        finally:
            await database.close()

    return asyncio.run(make())


def test_a_verdict_is_replayed_and_a_changed_one_is_found(moot: Moot, case: Case, dsn: str) -> None:
    code, text, _ = moot("jury", "replay", str(case.id))
    assert (code, "to the same bytes" in text, "Verdict: remove, violence." in text) == (0, True, True), text
    code, text, _ = moot("jury", "status")
    assert (code, text.startswith("Juries decide here"), "Decided by juries in the last 30 days: 1." in text) == (0, True, True), text
    asyncio.run(_change(dsn, "UPDATE verdicts SET action = 'keep'"))
    code, text, _ = moot("jury", "replay", str(case.id), "--json")
    assert code == 1
    answer = json.loads(text)
    assert (answer["same"], answer["case_id"]) == (False, str(case.id))
    assert answer["differences"] == ["The table of verdicts says keep (violence); the answers give remove (violence)."]
    code, text, error = moot("jury", "replay", "1")
    assert (code, "no count of a jury for case 1" in text + error) == (1, True)
    asyncio.run(_change(dsn, "UPDATE jurors SET state = 'paused'"))
    assert json.loads(moot("jury", "status", "--json")[1]) | {"oldest": None} == {
        "wanted": True, "able": 0, "needed": 18, "enough": False, "sitting": 0, "oldest": None, "invited": 0, "opened": 0, "decided": 1,
        "passed": {},
    }
    assert moot("jury", "status")[1].startswith("Moderators decide: 0 jurors can be called, and juries begin with 18.")


async def _change(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()
