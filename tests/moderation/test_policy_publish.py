"""Publishing a policy: it holds from its date in every process, keeps numbers and keys, and old decisions stay readable."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Invalid, NotFound
from folkmoot.moderation.clauses.actions import publish_policy
from folkmoot.moderation.clauses.published import (
    clause_of,
    current,
    find_clause,
    get_version,
    policy_of,
    replace_own,
    shipped,
    upcoming,
    version_before,
    versions,
)
from folkmoot.moderation.clauses.watching import PolicyWatch
from tests.moderation.court import Court
from tests.moderation.policies import edited, publish, without
from tests.waiting import until

_NEXT = "2030-01-10"
_RENAMED = ("Do not hound people", "Let people be")


@pytest.fixture(autouse=True)
def _own_policies_end_with_the_test() -> Iterator[None]:
    yield
    replace_own(())


async def test_a_published_policy_holds_at_once_and_is_in_the_journal(court: Court) -> None:
    checked = await publish(court.database, edited(_NEXT, _RENAMED))
    assert not checked.faults
    assert (current().version, current().clause("harassment").title["en"]) == (_NEXT, "Let people be")
    assert [one.version for one in versions()] == [*(one.version for one in shipped()), _NEXT]
    before = version_before(_NEXT)
    assert before
    assert before.version == shipped()[-1].version
    async with court.database.read() as conn:
        facts = msgspec.json.decode(await conn.fetchval("SELECT facts FROM journal WHERE kind = 'policy.published'"))
    assert facts["policy"] == _NEXT
    assert len(facts["sha256"]) == 64


async def test_a_coming_policy_holds_from_its_day_in_the_time_zone_of_the_network(court: Court) -> None:
    with clock.stopped_at(datetime(2030, 1, 10, 12, tzinfo=UTC)):
        await publish(court.database, edited(_NEXT, begins="2030-02-01"))
        assert current().version == shipped()[-1].version
        assert [one.version for one in upcoming()] == [_NEXT]
    with clock.stopped_at(datetime(2030, 1, 31, 22, 59, 59, tzinfo=UTC)):
        assert current().version == shipped()[-1].version
    with clock.stopped_at(datetime(2030, 1, 31, 23, tzinfo=UTC)):
        assert current().version == _NEXT
        assert upcoming() == []


async def test_other_processes_follow_by_themselves(court: Court) -> None:
    async with PolicyWatch(court.database):
        async with court.database.write() as tx:
            await publish_policy(tx, edited(_NEXT), "UTC")
        assert current().version == shipped()[-1].version
        await until(lambda: current().version == _NEXT)


@pytest.mark.parametrize(("source", "says"), [
    (edited(shipped()[-1].version), "exists. Choose a later one"),
    (edited("2020-01-01"), "exists. Choose a later one"),
    (edited(_NEXT, ("## 9. fairness", "## 10. fairness")), "has the number 9 in earlier versions"),
    (edited(_NEXT, ("## 9. fairness", "## 9. justice")), "the number 9 belongs to fairness"),
    (edited(_NEXT, begins="2020-01-01"), "cannot begin in the past"),
])
async def test_a_policy_that_does_not_follow_the_earlier_ones_is_refused(court: Court, source: str, says: str) -> None:
    checked = await publish(court.database, source)
    assert checked.published is None
    assert says in checked.faults[0].text
    assert source.splitlines()[checked.faults[0].line - 1].startswith(("Version", "In force", "## "))
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT (SELECT count(*) FROM policies) + count(*) FROM journal WHERE kind = 'policy.published'") == 0
    assert not (await publish(court.database, edited(_NEXT))).faults


async def test_a_dropped_number_is_never_given_to_another_rule(court: Court) -> None:
    await publish(court.database, without(edited(_NEXT), 9))
    again = await publish(court.database, edited("2030-01-11", ("## 9. fairness", "## 9. courtesy")))
    assert "belongs to fairness" in again.faults[0].text
    back = await publish(court.database, edited("2030-01-11"))
    assert back.published


async def test_a_decision_names_the_version_and_stays_readable_when_its_rule_is_dropped(court: Court) -> None:
    view = await court.village.write("author", "Nahlaste ho všichni, ať zmizí.")
    await court.report("reporter", view, clauses=("fairness",))
    case, = await court.queue()
    verdict = await court.decide("moderator", case, "hide", clause="fairness")
    label = await court.village.write("author", "A ještě jednou.")
    await court.report("reporter", label, clauses=("fairness",))
    await court.decide("moderator", (await court.queue())[0], "label", clause="fairness")
    waiting = await court.village.write("author", "A potřetí.")
    await court.report("reporter", waiting, clauses=("fairness",))
    assert verdict.policy == shipped()[-1].version

    await publish(court.database, without(edited(_NEXT, ("Judge as you would be judged", "Be fair")), 9))
    with pytest.raises(NotFound):
        current().clause("fairness")
    assert find_clause("fairness", verdict.policy).title["en"] == clause_of("fairness").title["en"] == "Judge as you would be judged"
    assert policy_of("fairness").version == verdict.policy

    author, reporter = await court.village.by_browser("author"), await court.village.by_browser("reporter")
    moderator = await court.village.by_browser("moderator")
    (_, statement), *_ = [told for told in await court.told("author") if told[0] == "statement"]
    page = (await author.get(f"/statements/{statement}")).text
    assert f"/rules/{verdict.policy}#rule-9" in page
    assert "Judge as you would be judged" in (await author.get(f"/rules/{verdict.policy}")).text
    app = await court.village.by_app("reporter")
    for visitor, path in (
        (author, "/statements"), (reporter, "/reports"), (reporter, f"/@author/{label.post.id}"), (moderator, "/moderate"),
        (moderator, f"/moderate/cases/{(await court.queue())[0].id}"), (app, f"/api/v1/statuses/{label.post.id}"),
        (app, "/api/v1/instance/rules"), (app, "/api/v2/instance"),
    ):
        assert (await visitor.get(path)).status == 200, path

    # A waiting case about the dropped rule can be kept, or decided under another rule; but not under the dropped one.
    waiting_case, = await court.queue()
    with pytest.raises(Invalid):
        await court.decide("moderator", waiting_case, "hide", clause="fairness")
    kept = await court.decide("moderator", waiting_case, "keep")
    assert (kept.clause, kept.policy) == ("fairness", verdict.policy)


async def test_a_report_that_chose_a_rule_before_a_change_still_means_that_rule(court: Court) -> None:
    """Numbers are permanent: a form that was opened under the old version names the same rule under the new one."""
    view = await court.village.write("author", "Dobrý den")
    await publish(court.database, without(edited(_NEXT), 2))
    app = await court.village.by_app("reporter")
    report = {"account_id": str(view.post.author.id), "status_ids[]": str(view.post.id), "rule_ids[]": "3"}
    answer = await app.post("/api/v1/reports", report)
    assert answer.json["rule_ids"] == ["3"]
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT clauses FROM reports") == ["harassment"]


async def test_a_label_in_apps_reads_as_the_rule_in_force(court: Court) -> None:
    view = await court.village.write("author", "Dobrý den")
    await court.report("reporter", view, clauses=("harassment",))
    await court.decide("moderator", (await court.queue())[0], "label", clause="harassment")
    app = await court.village.by_app("reader")
    for title in ("Do not hound people", "Let people be"):
        for path in ("/api/v1/timelines/public", f"/api/v1/statuses/{view.post.id}"):
            assert title in (await app.get(path)).text, path
        await publish(court.database, edited(_NEXT, _RENAMED))


async def test_the_detector_uses_the_rule_that_covers_violence(court: Court) -> None:
    source = edited(_NEXT, ("## 2. violence", "## 10. no-harm"))
    assert not (await publish(court.database, source)).faults
    await court.village.write("author", "Zítra tě najdu a zabiju, ty svině, a tvoji rodinu taky.", language="cs")
    await court.village.work()
    case, = await court.queue()
    assert case.clause == "no-harm"


async def test_members_see_what_changes_until_they_close_the_notice(court: Court) -> None:
    visitor = await court.village.by_browser("reader")
    assert "rules-news" not in (await visitor.get("/")).text
    begins = clock.now() + timedelta(days=14)
    source = edited(_NEXT, _RENAMED, begins=begins.date().isoformat())
    await publish(court.database, source)
    page = (await visitor.get("/")).text
    assert 'id="rules-news"' in page
    assert f"/rules/{_NEXT}" in page
    assert "New rules hold from" in (await visitor.get("/about/rules")).text
    coming = (await visitor.get(f"/rules/{_NEXT}")).text
    assert "Let people be" in coming
    assert "How it read before" in coming
    assert "Do not hound people" in coming
    assert _NEXT in (await visitor.get("/rules")).text
    assert (await visitor.get("/rules/2031-01-01")).status == 404

    token = page.partition('name="form_token" value="')[2].partition('"')[0]
    answer = await visitor.post(f"/rules/{_NEXT}/seen", {"form_token": token})
    assert answer.status == 303
    assert "rules-news" not in (await visitor.get("/")).text
    with pytest.raises(NotFound):
        get_version("2031-01-01")
