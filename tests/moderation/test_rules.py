"""Rules of the network: what meets one gets a case, and until people decide no more than the rule says, with a statement."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import NotFound, WritesPaused
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.detection.queries import list_signals
from folkmoot.moderation.detection.signals import SignalRaised
from folkmoot.moderation.restrictions.jobs import Hiding, hide_overdue
from folkmoot.moderation.rules.actions import switch_rules
from folkmoot.moderation.rules.jobs import RuleReader
from folkmoot.moderation.rules.model import Record
from folkmoot.moderation.rules.published import in_force, replace_own, shipped
from folkmoot.moderation.rules.queries.outcomes import count_records, list_cases_of_rule, list_outcomes_unscoped
from folkmoot.moderation.rules.watching import RuleWatch
from folkmoot.network.posts.events import PostCreated, PostEdited
from folkmoot.network.posts.model import PostView, Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court
from tests.moderation.rule_sets import VERSION, age, publish, rule_file
from tests.waiting import until

_WORDS = "says: levn* půjčk*"
_TEXT = "Levné půjčky bez registru, ihned a pro každého"


@pytest.fixture(autouse=True)
def _own_rules_end_with_the_test() -> Iterator[None]:
    yield
    replace_own((), ())


async def _signals(court: Court) -> list[tuple[str, str, str]]:
    """(detector, version, clause) of the signals of all open cases."""
    async with court.database.read() as conn:
        found = await list_signals(conn, [case.id for case in await court.queue()])
    return sorted((one.detector, one.version, one.clause) for one in found)


async def _statement(court: Court, name: str = "author") -> str:
    (_, statement), *_ = [told for told in await court.told(name) if told[0] == "statement"]
    browser = await court.village.by_browser(name)
    return (await browser.get(f"/statements/{statement}")).text


async def _write(court: Court, text: str = _TEXT, name: str = "author", **draft: Any) -> PostView:
    view = await court.village.write(name, text, **draft)
    await court.village.work()
    return view


async def test_a_met_post_gets_a_case_that_names_rule_and_version_and_stays_as_it_is(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS))
    view = await _write(court)
    await _write(court, "Dobré ráno všem, dnes prší")
    case, = await court.queue()
    assert (case.subject_id, case.clause, round(case.probability, 3)) == (view.post.id, "spam", 0.5)
    assert await _signals(court) == [("rule test", VERSION, "spam")]
    assert await court.journal(case) == ["case.opened", "signal.raised"]
    assert await court.sees("reader", view)
    assert await court.told("author") == []


async def test_a_second_delivery_changes_nothing_and_an_edit_is_read_again(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS))
    view = await _write(court, "Dobré ráno")
    author = await court.village.by_app("author")
    for _ in range(2):
        assert (await author.send("PUT", f"/api/v1/statuses/{view.post.id}", {"status": _TEXT})).status == 200
        await court.village.work()
    assert len(await court.queue()) == 1
    signals = await _signals(court)
    await court.village.work()
    await RuleReader("").read_edited(court.database, PostEdited(post_id=view.post.id, account_id=view.post.author.id))
    assert await _signals(court) == signals == [("rule test", VERSION, "spam")] * len(signals)


@pytest.mark.parametrize(("measure", "sees", "says"), [
    ("hold", False, "hidden until people have looked at it"),
    ("limit", True, "reaches fewer people until people have looked at it"),
    ("label", True, "covered and labelled your post until people have looked at it"),
])
async def test_a_measure_is_told_to_the_author_in_the_words_of_the_rule_and_ends_with_the_decision(
    court: Court, measure: str, sees: bool, says: str
) -> None:
    await publish(court.database, rule_file(_WORDS, measures=measure))
    view = await _write(court)
    assert await court.sees("reader", view) is sees
    page = await _statement(court)
    assert says in page
    assert "This is a test." in page
    assert "A program of this network" in page
    case, = await court.queue()
    assert await court.journal(case) == ["case.opened", "signal.raised", "restriction.imposed", "statement.issued"]
    reader = await court.village.by_app("reader")
    public = [one["id"] for one in (await reader.get("/api/v1/timelines/public")).json]
    assert (str(view.post.id) in public) is (measure == "label")

    await court.decide("moderator", case, "keep")
    assert str(view.post.id) in [one["id"] for one in (await reader.get("/api/v1/timelines/public")).json]
    assert "Your post is back, as it was." in await _statement(court) or measure != "hold"
    await court.village.work()
    assert await court.queue() == []


async def test_the_author_reads_the_reason_in_their_language(court: Court) -> None:
    async with court.database.write() as tx:
        await tx.execute("UPDATE logins SET language = 'cs' WHERE account_id = $1", court.village.people["author"].id)
    await publish(court.database, rule_file(_WORDS, measures="hold"))
    await _write(court)
    assert "Tohle je zkouška." in await _statement(court)


@pytest.mark.parametrize("cause", ["detector", "deadline"])
async def test_a_post_that_a_rule_limits_is_still_hidden_by_the_detector_and_at_its_deadline(court: Court, cause: str) -> None:
    await publish(court.database, rule_file(_WORDS, measures="limit, label"))
    view = await _write(court)
    case, = await court.queue()
    if cause == "deadline":
        with clock.stopped_at(case.due_at):
            await hide_overdue(court.database)
    else:
        await Hiding(5).hide_pending_review(court.database, SignalRaised(
            case_id=case.id, post_id=view.post.id, clause="violence", edited_at=None, is_hiding=True
        ))
    assert not await court.sees("reader", view)
    assert [kind for kind, _ in await court.told("author")] == ["statement"] * 3
    await court.decide("moderator", case, "keep")
    assert await court.sees("reader", view)
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT effect + is_limited::int FROM posts WHERE id = $1", view.post.id) == 0


async def test_what_came_of_a_rule_follows_a_chain_of_appeals_to_its_end(court: Court) -> None:
    await court.village.settle("third_moderator", role=Role.MODERATOR)
    await publish(court.database, rule_file(_WORDS))
    view = await _write(court)
    await court.report("reporter", view, clauses=("spam",))
    verdict_id = 0
    for appellant, moderator, action, violations in (
        (None, "moderator", "keep", 0), ("reporter", "other_moderator", "remove", 1), ("author", "third_moderator", "keep", 0),
    ):
        if appellant:
            async with court.database.write() as tx:
                await lodge_appeal(tx, (await court.viewer(appellant)).account, verdict_id)
        case, = await court.queue()
        verdict_id = (await court.decide(moderator, case, action, clause="spam")).id
        async with court.database.read() as conn:
            records = await count_records(conn, clock.now() - timedelta(days=1))
            newest, *_ = await list_cases_of_rule(conn, "test", 10)
            outcomes = await list_outcomes_unscoped(conn, [view.post.id])
        assert records["test"] == Record(met=1, decided=1, violations=violations)
        assert newest.action == action
        assert outcomes == {view.post.id: bool(violations)}


async def test_private_messages_are_never_read(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS, measures="hold"))
    await _write(court, f"@reader {_TEXT}", visibility=Visibility.DIRECT)
    assert await court.queue() == []
    async with court.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM post_traces") == 0


async def test_a_kept_post_is_left_alone_also_by_the_next_version(court: Court) -> None:
    await publish(court.database, rule_file(_WORDS, measures="hold"))
    view = await _write(court)
    await court.decide("moderator", (await court.queue())[0], "keep")
    await publish(court.database, rule_file(_WORDS, measures="hold", version="2030-01-11"))
    author = await court.village.by_app("author")
    await author.post(f"/api/v1/statuses/{view.post.id}/pin")
    await court.village.work()
    assert await court.queue() == []
    assert await court.sees("reader", view)


async def test_a_rule_about_the_author_opens_one_case_for_a_flood(court: Court) -> None:
    await publish(court.database, rule_file("posts in the last hour >= 3", about="author"))
    for number in range(6):
        await _write(court, f"Zpráva číslo {number}")
    case, = await court.queue()
    assert (case.subject, case.subject_id) == (Subject.ACCOUNT, court.village.people["author"].id)
    assert len(await _signals(court)) == 1
    await court.decide("moderator", case, "keep")
    await _write(court, "A ještě jedna")
    assert await court.queue() == []


async def test_a_signal_about_an_author_that_could_not_be_stored_is_raised_by_the_next_try(court: Court) -> None:
    await publish(court.database, rule_file("posts in the last hour >= 1", about="author"))
    view, reader = await court.village.write("author", "Ano"), RuleReader("")
    event = PostCreated(post_id=view.post.id, account_id=view.post.author.id)
    fencer = await asyncpg.connect(court.village.settings.dsn)
    await fencer.execute("UPDATE host_state SET epoch = epoch + 1")
    with pytest.raises(WritesPaused):
        await reader.read_created(court.database, event)
    await fencer.execute("UPDATE host_state SET epoch = epoch - 1")
    await fencer.close()
    await reader.read_created(court.database, event)
    assert len(await court.queue()) == 1


async def test_all_processes_follow_and_an_earlier_version_can_be_switched_on_again(court: Court) -> None:
    async with RuleWatch(court.database):
        await publish(court.database, rule_file(_WORDS))
        await publish(court.database, rule_file("says: nic", version="2030-01-11"))
        await _write(court)
        assert await court.queue() == []
        async with court.database.write() as tx:
            await switch_rules(tx, VERSION)
        await until(lambda: in_force().version == VERSION)
        async with court.database.write() as tx:
            with pytest.raises(NotFound):
                await switch_rules(tx, "2029-01-01")
        await _write(court)
        assert len(await court.queue()) == 1
        async with court.database.write() as tx:
            await switch_rules(tx, shipped()[-1].version)
        await until(lambda: in_force().version == shipped()[-1].version)
    async with court.database.read() as conn:
        rows = await conn.fetch("SELECT kind, facts FROM journal WHERE kind LIKE 'rules.%' ORDER BY id")
    assert [(row["kind"], msgspec.json.decode(row["facts"])["rules"]) for row in rows] == [
        ("rules.published", VERSION), ("rules.published", "2030-01-11"), ("rules.switched", VERSION),
        ("rules.switched", shipped()[-1].version),
    ]


async def test_the_words_of_a_removed_post_are_held_for_the_same_clause(court: Court) -> None:
    """With the shipped rules. As the next author writes them: in capitals, with other mentions."""
    await age(court.database, court.village.people["other_reporter"], 100)
    removed = await _write(court, "Kdo tohle čte, ať pošle peníze na účet sbírky")
    await court.report("reporter", removed, clauses=("fairness",))
    await court.decide("moderator", (await court.queue())[0], "remove", clause="fairness")
    again = await _write(court, "KDO TOHLE ČTE, ať pošle   peníze na účet sbírky! @reader", name="other_reporter")
    case, = await court.queue()
    assert case.clause == "fairness"
    assert await _signals(court) == [("rule removed-again", shipped()[-1].version, "fairness")]
    assert not await court.sees("reader", again)
