"""Gold questions among cases: which ones, how often, and that nothing tells one from a case before it is answered."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict
from folkmoot.moderation.appeals.actions import lodge_appeal
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.juries.model import LeaseEnded, Review, Severity, TextChanged
from folkmoot.moderation.juries.queries import list_tied
from folkmoot.moderation.jurors.actions import leave
from folkmoot.moderation.jurors.model import Finding, Sureness
from folkmoot.moderation.jurors.queries import get_turns, list_gold_items
from folkmoot.moderation.jurors.questions import questions_of, shipped_source
from folkmoot.moderation.reviewing import actions, gold, outcomes, queries
from folkmoot.moderation.reviewing.jobs import choose_gold
from folkmoot.moderation.reviewing.model import GOLD_EVERY, MOST_USES, SETTLED_FOR
from folkmoot.moderation.verdicts.actions import decide_case
from folkmoot.moderation.verdicts.model import Decision
from folkmoot.moderation.verdicts.queries import list_verdicts_of_cases
from folkmoot.network.posts.model import PostView
from tests.moderation.court import Court
from tests.moderation.review_table import NO_GOLD, ReviewTable
from tests.series import length

LATER = SETTLED_FOR + timedelta(days=1)


@pytest.fixture
async def table(court: Court, monkeypatch: pytest.MonkeyPatch) -> ReviewTable:
    monkeypatch.setattr(gold, "PAIR_EVERY", 10**9)  # `test_pairs_among_gold.py` is about pairs
    made = ReviewTable(court)
    await made.make_jurors("jana")
    return made


async def _settled(
    table: ReviewTable, text: str = "We come to your house tonight.", *, action: str = "remove", answers: tuple[int, ...] = (1, 1, 1, 1, 1)
) -> tuple[PostView, Case]:
    """A case that a jury has decided with these answers."""
    view, case = await table.open_case(text)
    jurors = [f"j{place}" for place in range(len(answers))]
    missing = [name for name in jurors if name not in table.village.people]
    if missing:
        await table.make_jurors(*missing)
    await table.seat(case, *jurors)
    moderator = await table.court.viewer("moderator")
    await table.court.claim("moderator", case)
    async with table.database.write() as tx:
        decision = Decision(action=action, clause="" if action == "keep" else "violence")
        verdict = await decide_case(tx, moderator, case.id, decision)
        await tx.execute("UPDATE verdicts SET settled_at = now() WHERE id = $1", verdict.id)
        await tx.execute("UPDATE juries SET state = 'decided' WHERE case_id = $1", case.id)
        for place, said in enumerate(answers, start=1):
            await tx.execute(
                "UPDATE jury_seats SET state = 'answered', answer = $3, answered_at = now() WHERE case_id = $1 AND number = $2",
                case.id, place, said,
            )
    return view, case


async def _chosen(table: ReviewTable) -> list[tuple[int, str]]:
    """(case, expected) after the job of a day two weeks later."""
    with clock.stopped_at(clock.now() + LATER):
        await choose_gold(table.database)
    async with table.database.read() as conn:
        rows = await conn.fetch("SELECT case_id, expected FROM gold_cases ORDER BY case_id")
    return [(row["case_id"], row["expected"]) for row in rows]


async def test_settled_cases_beyond_doubt_become_gold_and_doubtful_ones_do_not(table: ReviewTable) -> None:
    _, breach = await _settled(table, "One.")
    _, harmless = await _settled(table, "Two.", action="keep", answers=(0, 0, 0, 0, 0, 2))
    await _settled(table, "Three.", answers=(1, 1, 1, 1, 0))
    await _settled(table, "Four.", answers=(1, 1, 1, 1, 2))
    edited, _ = await _settled(table, "Five.")
    async with table.database.write() as tx:
        await tx.execute("UPDATE posts SET edited_at = now() WHERE id = $1", edited.post.id)
    await choose_gold(table.database)
    async with table.database.read() as conn:
        assert not await conn.fetchval("SELECT count(*) FROM gold_cases"), "settled today"
    assert await _chosen(table) == [(breach.id, "violence"), (harmless.id, "")]
    async with table.database.write() as tx:
        await tx.execute("UPDATE posts SET visibility = 2 WHERE id = $1", breach.subject_id)
    assert await _chosen(table) == [(harmless.id, "")]


async def test_a_settled_case_is_asked_like_a_case_and_its_answer_is_kept(table: ReviewTable) -> None:
    _, settled = await _settled(table, "One.")
    assert await _chosen(table)
    await table.seated("jana", "Another.")
    await table.due_gold("jana")
    desk = await table.take("jana")
    assert desk.item
    assert (desk.item.version.text, desk.share, desk.waiting) == ("One.", 2, 1)
    assert (await table.take("jana")).item == desk.item
    await table.answer("jana", desk.item.id, "harassment", desk.item.seen_key, severity=Severity.CLEAR)
    await table.answer("jana", desk.item.id, "harassment", desk.item.seen_key, severity=Severity.CLEAR)
    with pytest.raises(Conflict):
        await table.answer("jana", desk.item.id, "", desk.item.seen_key)
    kept = (await table.gold_answers("jana"))[0]
    assert {name: kept[name] for name in ("question", "case_id", "expected", "answer", "severity", "sureness", "is_right")} == {
        "question": f"case/{settled.id}", "case_id": settled.id, "expected": "violence", "answer": "harassment", "severity": 2,
        "sureness": 2, "is_right": True,
    }
    assert (await table.take("jana")).pace.sitting == 1
    async with table.database.read() as conn:
        known = await outcomes.find_feedback(conn, table.village.people["jana"].id, desk.item.id)
    assert known
    assert (known.decided, known.is_agreed, known.is_gold) == ("violence", True, True)


async def test_no_juror_is_asked_what_they_have_judged_or_whom_they_know(table: ReviewTable) -> None:
    _, case = await _settled(table, "One.")
    await _chosen(table)
    jana, choices = table.village.people["jana"].id, (await table.box.record("jana")).choices  # type: ignore[union-attr]
    async with table.database.write() as tx:
        for name, is_asked in (("j1", False), ("author", False), ("reporter", False), ("jana", True)):
            found = await gold._settled_case(tx, table.village.people[name].id, choices, clock.now())
            assert (found is not None) is is_asked, name
    await table.village.follow("jana", "author")
    async with table.database.write() as tx:
        assert await gold._settled_case(tx, jana, choices, clock.now()) is None
        await tx.execute("UPDATE gold_cases SET uses = $1", MOST_USES)
        assert not await queries.list_gold_cases(tx, 7, choices, MOST_USES, 5, is_breach=True)
        await tx.execute("UPDATE gold_cases SET uses = $1", MOST_USES - 1)
        assert [one.case_id for one in await queries.list_gold_cases(tx, 7, choices, MOST_USES, 5, is_breach=True)] == [case.id]


async def test_who_was_told_the_first_decision_by_a_gold_question_does_not_hear_the_appeal(table: ReviewTable) -> None:
    _, settled = await _settled(table, "One.")
    await _chosen(table)
    await table.make_jurors("petr")
    jana, petr = [table.village.people[name].id for name in ("jana", "petr")]
    await table.seated("jana", "Another.")
    await table.due_gold("jana")
    desk = await table.take("jana")
    assert desk.item
    assert desk.item.version.text == "One."
    await table.answer("jana", desk.item.id, "violence", desk.item.seen_key)  # not tied to the case that the question is
    async with table.database.write() as tx:
        verdict = (await list_verdicts_of_cases(tx, [settled.id]))[settled.id]
        appeal = await lodge_appeal(tx, table.village.people["author"], verdict.id)
        assert await list_tied(tx, appeal.case_id, [jana, petr], clock.now()) == {jana}


async def test_without_settled_cases_questions_of_the_training_are_asked_once_each(table: ReviewTable) -> None:
    await table.seated("jana", "Another.")
    fit = {one.key: one for one in questions_of(shipped_source()) if any(not wording.context for wording in one.wordings.values())}
    asked = []
    for _ in range(3):
        await table.due_gold("jana")
        item = (await table.take("jana", goes_on=True)).item
        assert item
        assert (item.before, item.version.pictures, item.version.poll_titles) == ([], (), ())
        await table.answer("jana", item.id, None, item.seen_key)
        asked.append((await table.gold_answers("jana"))[-1]["question"])
    assert len(set(asked)) == 3
    assert set(asked) <= set(fit)
    async with table.database.write() as tx:
        await tx.execute(
            "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected, opened_at, leased_until)"
            " SELECT $1, 1, n, key, 'en', '', now(), now() FROM unnest($2::text[]) WITH ORDINALITY AS one (key, n)",
            table.village.people["jana"].id, list(fit),
        )
    await table.due_gold("jana")
    item = (await table.take("jana", goes_on=True)).item
    assert item
    assert item.version.text == "Another.", "none is left, so a case comes"


async def test_a_skipped_or_late_gold_question_behaves_like_a_seat(table: ReviewTable) -> None:
    await table.seated("jana", "Another.")
    viewer = await table.box.viewer("jana")
    await table.due_gold("jana")
    first = (await table.take("jana")).item
    assert first
    with pytest.raises(TextChanged):
        await table.answer("jana", first.id, "", "another")
    for _ in range(2):
        async with table.database.write() as tx:
            await actions.skip_item(tx, viewer, first.id)
    with pytest.raises(LeaseEnded):
        await table.answer("jana", first.id, "", first.seen_key)
    await table.due_gold("jana")
    second = (await table.take("jana")).item
    assert second
    assert second.id != first.id
    with clock.stopped_at(clock.now() + timedelta(minutes=11)), pytest.raises(LeaseEnded):
        await table.answer("jana", second.id, "", second.seen_key)
    assert not await _answers(table)


async def test_an_open_gold_question_stays_when_no_case_waits_any_more(table: ReviewTable) -> None:
    _, case = await table.seated("jana", "Another.")
    await table.due_gold("jana")
    item = (await table.take("jana")).item
    async with table.database.write() as tx:
        await tx.execute("UPDATE jury_seats SET state = 'void' WHERE case_id = $1", case.id)
    desk = await table.desk("jana")
    assert item
    assert (desk.item, desk.waiting) == (item, 1)
    assert (await table.take("jana")).item == item
    await table.answer("jana", item.id, "", item.seen_key)
    assert (await table.take("jana")).item is None


async def _answers(table: ReviewTable) -> int:
    async with table.database.read() as conn:
        return len(await list_gold_items(conn, table.village.people["jana"].id, 10))


def test_one_item_in_ten_is_a_gold_question() -> None:
    gaps = [gold.draw_gap() for _ in range(length(4_000, 40_000))]
    assert 0.9 < (1 + sum(gaps) / len(gaps)) / GOLD_EVERY < 1.1
    assert {0, 1, 2, 10, 20} <= set(gaps)
    after_long = [gap for gap in gaps if gap >= 10]
    assert 0.8 < sum(gap == 10 for gap in after_long) / len(after_long) * GOLD_EVERY < 1.3, "who waited long knows nothing more"


@pytest.mark.parametrize("kind", ["case", "question"])
async def test_taking_reading_and_answering_a_gold_question_takes_the_statements_of_a_case(table: ReviewTable, kind: str) -> None:
    if kind == "case":
        await _settled(table, "One.")
        await _chosen(table)
    await table.make_jurors("eva")
    _, case = await table.open_case("Another.")
    await table.seat(case, "jana", "eva")
    counts = []
    for is_gold in (False, True):
        async with table.database.write() as tx:  # what both have before
            await tx.execute("UPDATE juror_turns SET cases_to_gold = $1", 0 if is_gold else 5)
            await tx.execute("UPDATE jury_seats SET state = 'offered', answered_at = NULL, answer = NULL")
        await table.take("jana")
        before = table.database.statements
        desk = await table.desk("jana")
        read = table.database.statements - before
        assert desk.item
        assert len(await table.gold_answers("jana")) == is_gold
        viewer = await table.box.viewer("jana")
        before = table.database.statements
        async with table.database.write() as tx:
            review = Review(finding=Finding(clause="violence", sureness=Sureness.QUITE), seen_key=desk.item.seen_key)
            await actions.answer_item(tx, viewer, desk.item.id, review)
        counts.append((read, table.database.statements - before))
    assert counts[0] == counts[1]


async def test_leaving_forgets_answers_to_gold_questions_and_how_items_came(table: ReviewTable) -> None:
    await table.seated("jana", "Another.")
    await table.due_gold("jana")
    await table.judge("jana", "")
    assert await table.gold_answers("jana")
    viewer = await table.box.viewer("jana")
    async with table.database.write() as tx:
        await leave(tx, viewer)
        assert not await tx.fetchval("SELECT count(*) FROM juror_turns WHERE account_id = $1", viewer.id)
    assert not await table.gold_answers("jana")


async def test_answering_the_same_item_again_does_not_bring_the_next_gold_question_nearer(table: ReviewTable) -> None:
    await table.seated("jana", "Another.")
    await table.due_gold("jana", 5)
    item = (await table.take("jana")).item
    assert item
    for _ in range(3):
        await table.answer("jana", item.id, "", item.seen_key)
    assert await _gap(table) == 4
    await table.seated("jana", "One more.")
    await table.due_gold("jana")
    item = (await table.take("jana")).item
    assert item
    await table.answer("jana", item.id, "", item.seen_key)
    await table.due_gold("jana", NO_GOLD)
    await table.answer("jana", item.id, "", item.seen_key)
    assert await _gap(table) == NO_GOLD


async def _gap(table: ReviewTable) -> int | None:
    async with table.database.read() as conn:
        return (await get_turns(conn, table.village.people["jana"].id)).cases_to_gold
