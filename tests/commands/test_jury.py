"""`moot jury` against a real database, in this process."""

import asyncio
import json
from pathlib import Path

import asyncpg
import pytest
from click.testing import CliRunner

from folkmoot.base.db import Database
from folkmoot.commands.jury import jury
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
        "passed": {}, "rings": 0,
    }
    assert moot("jury", "status")[1].startswith("Moderators decide: 0 jurors can be called, and juries begin with 18.")


async def _change(dsn: str, sql: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(sql)
    await connection.close()


def test_a_simulation_prints_its_figures_and_writes_charts(tmp_path: Path) -> None:
    """The jury of a small network, on a database of its own; `tests/moderation/test_simulation.py` looks into it."""
    charts = tmp_path / "charts"
    ours = CliRunner().invoke(jury, [
        "simulate", "--bad-faith", "0.2", "--rule", "folkmoot", "--cases", "3", "--jurors", "24", "--networks", "1", "--charts",
        str(charts), "--json",
    ], catch_exceptions=False)
    answer = json.loads(ours.stdout.splitlines()[-1])
    assert all(0 <= answer[name] <= 1 for name in ("accuracy", "wrong_removals", "missed", "gap", "to_staff"))
    assert 3 <= answer["votes_per_case"] <= 9
    assert (answer["rule"], answer["bad_faith"], answer["cases"]) == ("folkmoot", 0.2, 3)
    assert sorted(path.stem for path in charts.iterdir()) == ["accuracy", "gap", "missed", "to_staff", "votes_per_case", "wrong_removals"]


def test_a_simulation_compares_the_rules_at_each_share_of_bad_faith() -> None:
    found = CliRunner().invoke(jury, ["simulate", "--rule", "single", "--rule", "3 of 5", "--cases", "200"], catch_exceptions=False)
    assert [line.split()[0] for line in found.stdout.splitlines() if " 3 of 5 " in line] == ["0%", "10%", "20%", "30%"]
    accuracy = {rule: [line.split(rule)[1].split()[0] for line in found.stdout.splitlines() if f" {rule} " in line]
                for rule in ("single", "3 of 5")}
    assert len(accuracy["single"]) == 4
    assert all(one < three for one, three in zip(*accuracy.values(), strict=True))
