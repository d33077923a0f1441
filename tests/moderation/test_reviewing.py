"""What jurors do: one item after the other, no names, no more than is good for them, and nothing that tells a gold question from a case."""

from datetime import timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, NotFound
from folkmoot.moderation.juries.model import LeaseEnded, Severity, TextChanged
from folkmoot.moderation.jury.model import MOST_ITEMS_A_DAY
from folkmoot.moderation.reviewing.actions import skip_item
from folkmoot.moderation.reviewing.model import BREAK, HARD_ITEMS, Worked, pace_of
from tests.moderation.court import Court
from tests.moderation.review_table import ReviewTable


@pytest.fixture
async def table(court: Court) -> ReviewTable:
    made = ReviewTable(court)
    await made.make_jurors("jana")
    return made


async def test_a_juror_answers_a_case_and_the_next_one_comes(table: ReviewTable) -> None:
    await table.seated("jana", "First.")
    await table.seated("jana", "Second.")
    assert ((await table.desk("jana")).item, (await table.desk("jana")).waiting) == (None, 2)
    first = (await table.take("jana")).item
    assert first
    assert (await table.take("jana")).item == first
    await table.answer("jana", first.id, "violence", first.seen_key, severity=Severity.GRAVE)
    await table.answer("jana", first.id, "violence", first.seen_key, severity=Severity.GRAVE)
    desk = await table.take("jana")
    assert desk.item
    assert desk.item.version.text != first.version.text
    assert (desk.pace.sitting, desk.share, desk.waiting) == (1, 2, 1)
    with pytest.raises(Conflict):
        await table.answer("jana", first.id, "", first.seen_key)
    with pytest.raises(NotFound):
        await table.answer("jana", 7, "", first.seen_key)


async def test_an_item_shows_the_conversation_without_names(table: ReviewTable) -> None:
    root = await table.village.write("reader", "Ask @author or @other_reporter@localhost:8420", language="en")
    _, case = await table.seated("jana", "@reader I, @author, say: @other_reporter knows.", reply_to_id=root.post.id)
    item = (await table.take("jana")).item
    assert item
    assert item.version.text == "@A I, @…, say: @B knows."
    assert [(one.letter, one.version.text) for one in item.before] == [("A", "Ask @… or @B")]
    assert (case.clause, case.clause in item.likely) == ("violence", True)


async def test_changed_words_come_again(table: ReviewTable) -> None:
    view, _ = await table.seated("jana")
    item = (await table.take("jana")).item
    assert item
    async with table.database.write() as tx:
        await tx.execute("UPDATE posts SET text = 'Other words.', edited_at = now() WHERE id = $1", view.post.id)
    with pytest.raises(TextChanged):
        await table.answer("jana", item.id, "", item.seen_key)
    again = (await table.take("jana")).item
    assert again
    assert (again.id, again.version.text) == (item.id, "Other words.")
    await table.answer("jana", again.id, "", again.seen_key)


async def test_leaving_a_topic_to_others_skips_the_item_too(table: ReviewTable) -> None:
    await table.seated("jana")
    item = (await table.take("jana")).item
    assert item
    viewer = await table.box.viewer("jana")
    for _ in range(2):
        async with table.database.write() as tx:
            await skip_item(tx, viewer, item.id, avoided=["violence"], without_pictures=True)
    record = await table.box.record("jana")
    assert record
    assert (record.choices.avoided, record.choices.without_pictures) == (("violence",), True)
    assert (await table.take("jana")).item is None
    with pytest.raises(LeaseEnded):
        await table.answer("jana", item.id, "", item.seen_key)


def _worked(*minutes: float, severity: float = 0.9) -> list[Worked]:
    return [Worked(clock.now() + timedelta(minutes=minute), severity) for minute in minutes]


def test_a_break_is_offered_after_hard_items_and_the_day_ends() -> None:
    with clock.stopped_at(clock.now()):
        hard = _worked(*(place / 10 for place in range(HARD_ITEMS)))
        end = hard[-1].at
        assert pace_of(hard, end).wants_break
        assert not pace_of(hard[1:], end).wants_break
        assert not pace_of(hard, end + BREAK).wants_break
        assert not pace_of([*hard, Worked(end, 0.1)], end).wants_break
        assert not pace_of([*hard, Worked(end, 0.9)], end).wants_break
        assert not pace_of(_worked(*range(HARD_ITEMS), severity=0.1), clock.now() + timedelta(minutes=HARD_ITEMS)).wants_break
        rested = [*hard, *_worked(*(20 + place / 10 for place in range(3)))]
        assert (pace_of(rested, rested[-1].at).sitting, pace_of(rested, rested[-1].at).done) == (3, HARD_ITEMS + 3)
        assert not pace_of(_worked(*range(MOST_ITEMS_A_DAY - 1)), end).is_enough
        assert pace_of(_worked(*range(MOST_ITEMS_A_DAY)), end).is_enough
        assert pace_of(_worked(*(4 * place for place in range(31))), end).is_enough
        assert not pace_of(_worked(*(6 * place for place in range(31))), end).is_enough


async def test_after_ten_hard_items_a_break_comes_and_can_be_declined(table: ReviewTable) -> None:
    for number in range(HARD_ITEMS + 1):
        await table.seated("jana", f"We come to house {number}.")
    for _ in range(HARD_ITEMS):
        assert (await table.take("jana")).item
        await table.judge("jana", "violence")
    desk = await table.take("jana")
    assert (desk.item, desk.pace.wants_break, desk.waiting) == (None, True, 1)
    assert (await table.take("jana", goes_on=True)).item
    with clock.stopped_at(clock.now() + BREAK):
        assert (await table.take("jana")).item


async def test_nothing_is_given_out_after_the_most_items_of_a_day(table: ReviewTable) -> None:
    await table.seated("jana")
    async with table.database.write() as tx:
        await tx.execute(
            "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected, suspected, item_id, answered_at)"
            " SELECT $1, 0, n, 'q' || n, 'en', '', 'spam', n, now() - interval '3 hours' FROM generate_series(1, $2::int) AS n",
            table.village.people["jana"].id, MOST_ITEMS_A_DAY,
        )
    desk = await table.take("jana", goes_on=True)
    assert (desk.item, desk.pace.is_enough, desk.waiting) == (None, True, 0)
    async with table.database.write() as tx:
        await tx.execute("UPDATE gold_answers SET answered_at = now() - interval '25 hours' WHERE position = 1")
    assert (await table.take("jana")).item
