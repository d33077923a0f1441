"""Rules on trial: they count what they would meet, beside the rules in force, and have no effect until they are put in force."""

from collections.abc import Iterator
from datetime import timedelta

import msgspec
import pytest

from folkmoot.api.moderation_shapes import AutomaticRuleDetails, RuleTrial
from folkmoot.base import clock
from folkmoot.base.errors import NotFound
from folkmoot.moderation.rules import published
from folkmoot.moderation.rules.actions import Checked, end_trial, switch_rules, try_rules
from folkmoot.moderation.rules.jobs import TRIED_KEPT, forget_traces
from folkmoot.moderation.rules.model import TrialResult
from folkmoot.moderation.rules.queries import trials
from folkmoot.moderation.rules.queries.trials import list_tried
from folkmoot.moderation.rules.watching import RuleWatch
from tests.moderation.court import Court
from tests.moderation.rule_sets import VERSION, publish, rule_file

_LATER = "2030-01-11"
_TRIED = rule_file("says: levn* půjčk*", version=_LATER, name="loans", measures="hold")
_SPAM = "Levné půjčky bez registru, ihned a pro každého"


@pytest.fixture(autouse=True)
def _own_rules_end_with_the_test() -> Iterator[None]:
    yield
    published.replace_own((), ())


async def _begin(court: Court, source: str = _TRIED, days: float = 7) -> Checked:
    async with court.database.write() as tx:
        checked = await try_rules(tx, source, timedelta(days=days))
    await RuleWatch(court.database).refresh()
    return checked


async def _write(court: Court, *texts: str, name: str = "author") -> list[int]:
    views = [await court.village.write(name, text) for text in texts]
    await court.village.work()
    return [view.post.id for view in views]


async def _met(court: Court, version: str = _LATER) -> dict[str, TrialResult]:
    async with court.database.read() as conn:
        return await list_tried(conn, version, 2)


async def _journal(court: Court) -> list[tuple[str, str]]:
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT kind, facts::json ->> 'rules' AS version FROM journal WHERE kind LIKE 'rules.%' ORDER BY id")
    return [(row["kind"], row["version"]) for row in rows]


async def test_a_trial_counts_posts_and_does_nothing_while_the_rules_in_force_stay(court: Court) -> None:
    await publish(court.database, rule_file("says: následovník*"))
    await _begin(court)
    post_id, other = await _write(court, _SPAM, "Kupte si následovníky")
    case, = await court.queue()
    assert case.subject_id == other  # of the rule in force
    assert published.in_force().version == VERSION
    result, = (await _met(court)).values()
    assert (result.record.met, result.authors, result.post_ids) == (1, 1, (post_id,))
    assert await court.told("author") == []
    assert await _journal(court) == [("rules.published", VERSION), ("rules.trial_started", _LATER)]


async def test_a_trial_runs_also_without_any_rule_in_force(court: Court) -> None:
    await publish(court.database, rule_file("says: x").partition("## ")[0])
    await _begin(court)
    await _write(court, _SPAM)
    assert list(await _met(court)) == ["loans"]


async def test_what_people_decided_about_met_posts_is_counted(court: Court) -> None:
    await _begin(court)
    views = [await court.village.write("author", f"{_SPAM} {number}") for number in range(3)]
    await court.village.work()
    for view, action in zip(views, ("remove", "keep"), strict=False):
        await court.report("reporter", view, clauses=("spam",))
        await court.decide("moderator", (await court.queue())[0], action, clause="spam")
    record = (await _met(court))["loans"].record
    assert (record.met, record.decided, record.violations) == (3, 2, 1)


async def test_an_edit_does_not_count_twice_and_a_deleted_post_not_at_all(court: Court) -> None:
    await _begin(court)
    post_id, = await _write(court, _SPAM)
    app = await court.village.by_app("author")
    assert (await app.send("PUT", f"/api/v1/statuses/{post_id}", {"status": f"{_SPAM} a snadno"})).status == 200
    await court.village.work()
    assert (await _met(court))["loans"].record.met == 1
    assert (await app.send("DELETE", f"/api/v1/statuses/{post_id}")).status == 200
    assert await _met(court) == {}


async def test_the_trial_ends_with_its_time_and_early_and_when_its_version_is_in_force(court: Court) -> None:
    await _begin(court, days=1 / 10**9)
    await _write(court, _SPAM)
    with pytest.raises(NotFound):
        async with court.database.write() as tx:
            await end_trial(tx)
    second, third = "2030-01-12", "2030-01-13"
    await _begin(court, _TRIED.replace(_LATER, second))
    async with court.database.write() as tx:
        assert await end_trial(tx) == second
    await RuleWatch(court.database).refresh()
    await _write(court, f"{_SPAM} a znovu")
    await _begin(court, _TRIED.replace(_LATER, third))
    async with court.database.write() as tx:
        await switch_rules(tx, third)
    await RuleWatch(court.database).refresh()
    assert published.on_trial(clock.now()) is None
    assert published.in_force().version == third
    await _write(court, f"{_SPAM} potřetí")
    assert [await _met(court, version) for version in (_LATER, second, third)] == [{}, {}, {}]
    assert len(await court.queue()) == 1  # now with its effect
    assert await _journal(court) == [
        ("rules.trial_started", _LATER), ("rules.trial_started", second), ("rules.trial_ended", second),
        ("rules.trial_started", third), ("rules.trial_ended", third), ("rules.switched", third),
    ]


async def test_faults_start_no_trial_and_a_version_is_tried_once(court: Court) -> None:
    assert (await _begin(court, _TRIED.replace("Clause: spam", "Clause: nothing"))).faults
    assert published.newest_trial() is None
    assert not (await _begin(court)).faults
    assert "is not later than" in (await _begin(court)).faults[0].text


async def test_a_rule_that_meets_everything_stores_a_bounded_number(court: Court, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "MOST_TRIED", 3)
    await _begin(court)
    for number in range(5):
        await _write(court, f"{_SPAM} {number}")
    assert (await _met(court))["loans"].record.met == 3


async def test_what_earlier_trials_have_met_is_forgotten_after_a_time(court: Court) -> None:
    await _begin(court)
    await _write(court, _SPAM)
    await _begin(court, _TRIED.replace(_LATER, "2030-01-12"))
    await forget_traces(court.database)
    assert await _met(court)
    async with court.database.write() as tx:
        await tx.execute("UPDATE rule_trials SET ends_at = ends_at - $1::interval WHERE version = $2", TRIED_KEPT * 2, _LATER)
    await forget_traces(court.database)
    assert await _met(court) == {}


async def test_moderators_see_the_trial_on_the_page_and_by_the_api(court: Court) -> None:
    browser, app = await court.village.by_browser("moderator"), await court.village.by_app("moderator", "admin:read:reports")
    base = "/api/folkmoot/v1/moderation"
    assert (await app.get(f"{base}/rule_trial")).json is None
    assert "On trial until" not in (await browser.get("/moderate/rules")).text
    await _begin(court)
    assert "It has met nothing yet." in (await browser.get("/moderate/rules")).text
    await _write(court, _SPAM)
    page = (await browser.get("/moderate/rules")).text
    assert "On trial until" in page
    assert "It has met 1 post. None of them is decided yet." in page
    shown = (await browser.get("/moderate/rules/loans")).text
    assert "on trial" in shown
    assert "not in force any more" not in shown
    trial = msgspec.json.decode((await app.get(f"{base}/rule_trial")).body, type=RuleTrial)
    assert (trial.version, [(one.rule.name, one.met, one.authors, one.decided) for one in trial.rules]) == (_LATER, [("loans", 1, 1, 0)])
    details = msgspec.json.decode((await app.get(f"{base}/rules/loans")).body, type=AutomaticRuleDetails)
    assert (details.rule.version, details.is_in_force, details.newest) == (_LATER, False, [])
    assert (await app.get(f"{base}/rules/nothing")).status == 404
