"""`moot proposals` and `moot hold` against a real database, in this process: both people give their password."""

import asyncio
import json
from pathlib import Path

import pytest

from folkmoot.base.db import Database
from folkmoot.moderation.cases.actions import open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.network.sessions.actions import create_member
from folkmoot.network.sessions.model import Role
from tests.commands.test_policy_and_hashes import Moot
from tests.commands.test_policy_and_hashes import moot as moot
from tests.village import settle, write

_PASSWORD = "tri hrusky ve stodole"


@pytest.fixture
def case(dsn: str) -> Case:
    async def make() -> Case:
        database = await Database.open(dsn)
        try:
            for name in ("hana", "jana"):
                await create_member(database, name, f"{name}@example.org", _PASSWORD, Role.MODERATOR)
            author = await settle(database, "author")
            post = await write(database, author, "Zabiju tě.")
            async with database.write() as tx:
                return await open_case(tx, Subject.POST, post.post.id, author.id, clause_of("violence"))
        finally:
            await database.close()

    return asyncio.run(make())


def test_two_people_place_a_hold_and_one_releases_it(moot: Moot, case: Case, tmp_path: Path) -> None:
    secret, wrong = tmp_path / "secret", tmp_path / "wrong"
    secret.write_text(f"{_PASSWORD}\n")
    wrong.write_text("neco jineho\n")
    asked = ("hold", "propose", str(case.id), "--reason", "A court asks.", "--days", "30", "--json", "--by", "hana", "--password-file")
    code, text, _ = moot(*asked, str(wrong))
    assert (code, "not your current password" in text) == (1, True)
    code, text, error = moot(*asked, str(secret))
    assert code == 0, text + error
    number = json.loads(text)["id"]
    assert [one["id"] for one in json.loads(moot("proposals", "list", "--json")[1])["proposals"]] == [number]
    code, text, _ = moot("proposals", "agree", number, "--by", "hana", "--password-file", str(secret))
    assert (code, "Somebody else has to agree." in text + _) == (1, True)
    assert moot("proposals", "agree", number, "--by", "@jana", "--password-file", str(secret))[0] == 0
    [hold] = json.loads(moot("hold", "list", "--json")[1])["holds"]
    assert (hold["state"], hold["reason"]) == ("in_force", "A court asks.")
    assert "A court asks." in moot("hold", "list")[1]
    released = moot("hold", "release", hold["id"], "--reason", "It is over.", "--by", "jana", "--password-file", str(secret))
    assert released[0] == 0
    assert "Nothing is held." in moot("hold", "list")[1]
    assert json.loads(moot("hold", "list", "--all", "--json")[1])["holds"][0]["end_reason"] == "It is over."
