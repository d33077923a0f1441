"""`moot rules` against a real database, in this process."""

import asyncio
import json
import re
import textwrap
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.commands.rules_report import words_of_test
from folkmoot.moderation.rules.backtest import Result, RuleResult, masked
from folkmoot.moderation.rules.model import RuleSet
from folkmoot.moderation.rules.published import replace_own, shipped
from folkmoot.moderation.rules.rule_file import read_rules
from folkmoot.network.posts.actions import create_post
from folkmoot.network.posts.model import PostDraft, Visibility
from tests.commands.test_policy_and_hashes import Moot
from tests.commands.test_policy_and_hashes import moot as moot
from tests.moderation.court import Court
from tests.moderation.rule_sets import rule_file
from tests.village import LIMITS, Village, settings_for

_SPAM = "Levné půjčky bez registru, volejte 777 123 456 nebo pište @reader na https://a.example/x?y=1"


@pytest.fixture(autouse=True)
def _own_rules_end_with_the_test() -> Iterator[None]:
    yield
    replace_own((), ())


@asynccontextmanager
async def _court(dsn: str, folder: Path) -> AsyncIterator[Court]:
    database = await Database.open(dsn, listen=False)
    try:
        yield await Court(Village(database, settings_for(folder / "data", dsn))).open()
    finally:
        await database.close()


async def _fill(dsn: str, folder: Path) -> None:
    """Twelve posts of the last days: three of them advertise, of which one was removed and one kept; one is private."""
    async with _court(dsn, folder) as court:
        author = court.village.people["author"]
        async with court.database.write() as tx:
            for hours in range(1, 9):
                await create_post(tx, author, PostDraft(text=f"Dobré ráno číslo {hours}"), LIMITS, at=clock.now() - timedelta(hours=hours))
            await create_post(tx, author, PostDraft(text=f"@reader {_SPAM}", visibility=Visibility.DIRECT), LIMITS)
        views = [await court.village.write("author", f"{_SPAM} {number}") for number in range(3)]
        for view, action in zip(views, ("remove", "keep"), strict=False):
            await court.report("reporter", view, clauses=("spam",))
            await court.decide("moderator", (await court.queue())[0], action, clause="spam")


def test_an_operator_tests_rules_on_stored_posts_before_publishing_them(moot: Moot, tmp_path: Path, dsn: str) -> None:
    asyncio.run(_fill(dsn, tmp_path))
    file = tmp_path / "rules.md"
    file.write_text(rule_file("says: levn* půjčk*"))
    code, text, error = moot("rules", "test", str(file), "--json")
    assert code == 0, error
    answer = json.loads(text)
    assert (answer["posts"], answer["met"], answer["ended_by"]) == (12, 3, "days")
    found, = answer["rules"]
    assert (found["met"], found["authors"], found["decided"], found["violations"]) == (3, 1, 2, 1)
    assert found["precision"][0] == 0.5
    assert found["precision"][1] < 0.2 < 0.8 < found["precision"][2]
    assert found["per_day"] > 3
    assert set(found["examples"]) == {masked(f"{_SPAM} {number}") for number in range(3)}

    code, text, _ = moot("rules", "test", str(file), "--posts", "2", "--examples", "1")
    assert code == 0
    assert "limit of posts" in text
    assert "“Levné půjčky bez registru, volejte [number] nebo pište @[name] na [link to a.example]" in text
    assert "777" not in text
    assert "There are no posts" not in text
    assert moot("rules", "test")[0] == 0


def test_an_operator_publishes_rules_and_goes_back(moot: Moot, tmp_path: Path) -> None:
    code, text, error = moot("rules", "show")
    assert (code, text) == (0, shipped()[-1].source), error
    file = tmp_path / "rules.md"
    file.write_text(rule_file("adresses > 3"))
    code, text, _ = moot("rules", "check", str(file))
    line = file.read_text().splitlines().index("- adresses > 3") + 1
    assert (code, f"{file}, line {line}: “adresses” is not known" in text) == (1, True)
    assert moot("rules", "publish", str(file), "--yes")[0] == moot("rules", "test", str(file))[0] == 1

    file.write_text(rule_file("addresses > 3"))
    assert "about the post, clause spam, probability 0.5: a case only" in moot("rules", "check", str(file))[1]
    assert moot("rules", "publish", str(file), "--yes", "--json")[0] == 0
    listed = json.loads(moot("rules", "list", "--json")[1])
    assert [(one["version"], one["in_force"]) for one in listed["versions"]] == [("2030-01-10", True), (shipped()[-1].version, False)]
    assert [one["name"] for one in listed["rules"]] == ["test"]
    assert moot("rules", "show")[1] == file.read_text()
    assert "is not later" in moot("rules", "publish", str(file), "--yes")[1]

    assert moot("rules", "switch", shipped()[-1].version)[0] == 0
    assert moot("rules", "show")[1] == shipped()[-1].source
    assert moot("rules", "show", "2030-01-10")[1] == file.read_text()
    assert "moot rules list" in moot("rules", "switch", "1999-01-01")[2]
    assert moot("rules", "show", "1999-01-01")[0] == 1
    assert moot("rules", "list")[1].startswith("  2030-01-10       1 rules\n* ")


def test_an_operator_tries_rules_before_they_are_in_force(moot: Moot, tmp_path: Path, dsn: str) -> None:
    file = tmp_path / "rules.md"
    file.write_text(rule_file("says: levn* půjčk*"))
    code, _, error = moot("rules", "trial")
    assert (code, "moot rules publish FILE --trial" in error) == (1, True)
    code, text, error = moot("rules", "publish", str(file), "--trial", "--days", "3", "--yes")
    assert (code, "On trial for 3 days, without any effect." in text) == (0, True), error
    listed = json.loads(moot("rules", "list", "--json")[1])["versions"]
    assert [(one["version"], one["in_force"], one["on_trial"]) for one in listed] == [
        ("2030-01-10", False, True), (shipped()[-1].version, True, False)]
    assert "  2030-01-10       1 rules  (on trial)\n* " in moot("rules", "list")[1]
    asyncio.run(_fill(dsn, tmp_path))
    answer = json.loads(moot("rules", "trial", "--json")[1])
    rule, = answer["rules"]
    assert (rule["name"], rule["met"], rule["authors"], rule["decided"], rule["violations"]) == ("test", 3, 1, 2, 1)
    code, text, _ = moot("rules", "trial", "--examples", "1")
    assert text.startswith("Version 2030-01-10, on trial from ")
    assert text.count("“Levné půjčky bez registru, volejte [number] nebo pište @[name] na [link to a.example]") == 1
    assert "moot rules switch 2030-01-10" in text
    assert moot("rules", "trial", "--end")[1].startswith("Version 2030-01-10, tried from ")
    assert moot("rules", "trial", "--end")[0] == 0
    assert moot("rules", "switch", "2030-01-10")[0] == 0
    assert moot("rules", "list")[1].startswith("* 2030-01-10       1 rules\n")


def test_the_attributes_can_be_listed(moot: Moot, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from folkmoot.commands.rules import attributes

    attributes.main(["--json"], standalone_mode=False)
    assert "account age" in {one["name"] for one in json.loads(capsys.readouterr().out)}


def test_the_guide_quotes_what_the_test_prints() -> None:
    """Its numbers are put into the report, which must look as quoted: for the rules that are shipped now, and the one of the guide."""
    guide = (Path(__file__).resolve().parents[2] / "docs" / "operate" / "rules.md").read_text("utf-8")
    quoted = textwrap.dedent(guide.partition("    $ moot rules test rules.md --examples 1\n")[2].partition("\n*met*")[0]).strip()
    head = re.match(r"(\d+) posts from (.{16}) to (.{16}) UTC, version (\S+): (\d+) met", quoted)
    assert head
    oldest_at, newest_at = (datetime.fromisoformat(f"{head[number]}+00:00") for number in (2, 3))
    found: dict[str, RuleResult] = {}
    for line in quoted.splitlines()[3:]:
        if line.startswith("      “"):
            found[list(found)[-1]].examples.append(line.strip().strip("“”"))
        else:
            name, met, _per_day, authors, decided = line.split()
            found[name] = RuleResult(met=int(met), decided=int(decided), authors=set(range(int(authors))))
    result = Result(rules=found, posts=int(head[1]), met=int(head[5]), newest_at=newest_at, oldest_at=oldest_at, texts_since=oldest_at)
    rule_set = RuleSet(head[4], ())
    assert words_of_test(rule_set, result) == quoted
    assert list(found) == [*(rule.name for rule in shipped()[-1].rules.rules), "cheap-loans"]
    own = read_rules(textwrap.dedent(guide.partition("## The file\n")[2].partition("| line |")[0])).rules
    assert own
    assert [rule.name for rule in own.rules] == ["cheap-loans"]


@pytest.mark.parametrize(("text", "shown"), [
    ("Pište @jana@other.example nebo jana@mail.example", "Pište @[name] nebo [address]"),
    ("https://a.example/x?y=1 hned", "[link to a.example] hned"),
    ("účet 123456-7890/0100", "účet [number]"),
    ("řádek\n\n druhý", "řádek druhý"),
])
def test_examples_show_no_names_links_and_numbers(text: str, shown: str) -> None:
    assert masked(text) == shown
