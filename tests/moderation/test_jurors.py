"""Becoming a juror: who may, the training, choices, pausing, leaving, exclusion; and that nobody else learns of it."""

import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Conflict, Forbidden, Invalid, NotFound, Problem, TooMany
from folkmoot.base.paging import Page
from folkmoot.moderation.jurors import actions, exclusion, queries
from folkmoot.moderation.jurors.jobs import forget_left
from folkmoot.moderation.jurors.model import (
    APPLICATIONS_WITHIN,
    CLEAN_FOR,
    LATER_TRY_AFTER,
    MIN_AGE,
    MOST_APPLICATIONS,
    MOST_MISSES,
    SECOND_TRY_AFTER,
    Asked,
    Choices,
    State,
)
from folkmoot.moderation.jurors.own_record import list_own_record
from folkmoot.moderation.jurors.policy import NotInGoodStanding, find_obstacle
from folkmoot.moderation.jurors.questions import shipped_source
from folkmoot.network.accounts.model import Account, AccountEffect
from folkmoot.network.sessions.model import Login, Role, Viewer
from tests.moderation.court import Court
from tests.moderation.jury_box import CHOICES, OLD_ENOUGH, JuryBox
from tests.village import Village

MINUTE = timedelta(minutes=1)


@pytest.fixture
async def box(village: Village) -> JuryBox:
    made = JuryBox(village)
    await made.settle("jana", "karel")
    await made.settle("hana", role=Role.OPERATOR)
    return made


async def _act(box: JuryBox, action: Callable[..., Any], name: str, *more: Any) -> Any:
    viewer = await box.viewer(name)
    async with box.database.write() as tx:
        return await action(tx, viewer, *more)


async def _answers(box: JuryBox, name: str) -> list[Asked]:
    async with box.database.read() as conn:
        return await queries.list_answers(conn, box.village.people[name].id)


@pytest.mark.parametrize(("changed", "words"), [
    ({}, ""),
    ({"created_at": clock.now() - MIN_AGE + timedelta(hours=1)}, "days old"),
    ({"effect": AccountEffect.LIMITED}, "restricted"),
    ({"effect": AccountEffect.FROZEN}, "restricted"),
    ({"is_limited": True}, "restricted"),
    ({"is_bot": True}, "Jurors are people"),
    ({"role": Role.MODERATOR}, "with the moderators"),
    ({"role": Role.OPERATOR}, "with the moderators"),
    ({"breach": timedelta(days=1)}, "broke a rule"),
    ({"breach": CLEAN_FOR}, ""),
])
def test_standing(changed: dict[str, Any], words: str) -> None:
    now, parts = clock.now(), dict(changed)
    role, breach = parts.pop("role", Role.MEMBER), now - parts.pop("breach") if "breach" in parts else None
    account = Account(**{"id": 1, "username": "jana", "created_at": now - OLD_ENOUGH, **parts})
    login = Login(account_id=1, email="jana@example.org", password_hash="", role=role, language="en", confirmed_at=now, approved_at=now,
                  disabled_at=None, created_at=now)
    obstacle = find_obstacle(Viewer(account=account, login=login), breach, now)
    assert (words in str(obstacle)) if words else obstacle is None


async def test_a_breach_that_stands_bars_for_a_time_and_one_that_was_kept_does_not(court: Court) -> None:
    box = JuryBox(court.village)
    await box.settle("kept")
    for name, action in (("author", "remove"), ("kept", "keep")):
        await court.report("reporter", await court.village.write(name, f"Příspěvek, který napsal {name}"), account=name)
        [case] = await court.queue()
        await court.decide("moderator", case, action)
    async with court.database.write() as tx:
        await tx.execute("UPDATE accounts SET created_at = created_at - $1::interval", OLD_ENOUGH)
    assert (await box.apply("kept")).state is State.APPLIED
    with pytest.raises(NotInGoodStanding) as refused:
        await box.apply("author")
    assert refused.value.until
    with clock.stopped_at(clock.now() + CLEAN_FOR + MINUTE):
        assert (await box.apply("author")).state is State.APPLIED


async def test_choices_with_which_nobody_could_be_called_are_refused(box: JuryBox) -> None:
    for choices, field in (
        (Choices(), "languages"),
        (Choices(languages=("de",)), "languages"),
        (Choices(languages=("en", "klingon")), "languages"),
        (Choices(languages=("en",), avoided=("noise",)), "avoided"),
        (Choices(languages=("en",), avoided=("identity", "violence", "harassment", "children", "cover")), "avoided"),
    ):
        with pytest.raises(Invalid) as refused:
            await box.apply("jana", choices)
        assert [error.field for error in refused.value.errors] == [field]
        assert await box.record("jana") is None
    four = Choices(languages=("de", "en"), avoided=("violence", "children", "cover", "privacy"), without_pictures=True)
    assert (await box.apply("jana", four)).choices == four


async def test_an_applicant_who_agrees_often_enough_is_a_juror(box: JuryBox) -> None:
    await box.apply("jana")
    done = await box.train("jana", misses=MOST_MISSES)
    assert done.is_passed
    record = await box.record("jana")
    assert record
    assert (record.state, record.attempts, record.failed_at) == (State.JUROR, 1, None)
    assert record.passed_at
    answers = await _answers(box, "jana")
    assert [one.is_right for one in answers] == [False] * MOST_MISSES + [True] * (len(done.asked) - MOST_MISSES)
    assert answers[0].answer is None  # "can't say" is stored as such
    with pytest.raises(Conflict):
        await box.begin("jana")


async def test_a_training_that_was_not_passed_is_repeated_later_with_other_questions(box: JuryBox) -> None:
    await box.apply("jana")
    first = await box.train("jana", misses=MOST_MISSES + 1)
    assert not first.is_passed
    with pytest.raises(TooMany):
        await box.begin("jana")
    with clock.stopped_at(clock.now() + SECOND_TRY_AFTER + MINUTE):
        second = await box.train("jana", misses=MOST_MISSES + 1)
        assert not {one.question for one in first.asked} & {one.question for one in second.asked}
        with clock.stopped_at(clock.now() + SECOND_TRY_AFTER + MINUTE), pytest.raises(TooMany):
            await box.begin("jana")
        with clock.stopped_at(clock.now() + LATER_TRY_AFTER + MINUTE):
            assert (await box.train("jana")).is_passed
    record = await box.record("jana")
    assert record
    assert (record.state, record.attempts) == (State.JUROR, 3)


async def test_always_the_same_answer_does_not_pass(box: JuryBox) -> None:
    await box.settle("eva")
    for name, clause in (("jana", ""), ("karel", "violence"), ("eva", None)):
        await box.apply(name)
        for asked in (await box.begin(name)).asked:
            await box.answer(name, asked, clause)
        record = await box.record(name)
        assert record
        assert (record.state, record.next_try_at is not None) == (State.TRAINING, True)


async def test_each_question_is_answered_once_and_in_turn(box: JuryBox) -> None:
    await box.apply("jana")
    first, second = (await box.begin("jana")).asked[:2]
    with pytest.raises(Conflict):
        await box.answer("jana", second, "")
    await box.answer("jana", first, first.expected)
    with pytest.raises(Conflict):
        await box.answer("jana", first, "spam")
    with pytest.raises(Invalid):
        await box.answer("jana", second, "noise")
    assert [one.answer for one in await _answers(box, "jana")] == [first.expected]
    again = await box.begin("jana")  # goes on
    assert again.current == second
    with pytest.raises(NotFound):
        await box.answer("karel", second, "")


async def test_what_a_juror_leaves_to_others_is_not_in_the_training_either(box: JuryBox) -> None:
    avoided = ("violence", "children", "cover", "privacy")
    await box.apply("jana", Choices(languages=("cs",), avoided=avoided))
    async with box.database.read() as conn:
        questions = await actions.fitting_questions(conn)
    begun = await box.begin("jana")
    assert not {questions[one.question].topic for one in begun.asked} & set(avoided)
    assert {one.language for one in begun.asked} == {"cs"}


async def test_pausing_leaving_and_coming_back(box: JuryBox) -> None:
    await box.become("jana")
    assert (await _act(box, actions.pause, "jana")).state is State.PAUSED
    with pytest.raises(Conflict):
        await _act(box, actions.pause, "jana")
    assert (await _act(box, actions.resume, "jana")).state is State.JUROR
    with pytest.raises(Conflict):
        await _act(box, actions.resume, "jana")
    changed = Choices(languages=("cs",), avoided=("violence",), without_pictures=True)
    assert (await _act(box, actions.choose, "jana", changed)).choices == changed
    await _act(box, actions.leave, "jana")
    record = await box.record("jana")
    assert record
    assert (record.state, record.choices, record.passed_at) == (State.LEFT, Choices(), None)
    assert await _answers(box, "jana") == []
    with pytest.raises(NotFound):
        await _act(box, actions.leave, "jana")
    with pytest.raises(NotFound):
        await _act(box, actions.choose, "jana", CHOICES)
    assert (await box.apply("jana")).state is State.APPLIED
    with pytest.raises(Conflict):
        await box.apply("jana")


async def test_an_applicant_cannot_resume_into_the_jury(box: JuryBox) -> None:
    await box.apply("jana")
    for action in (actions.resume, actions.pause):
        with pytest.raises(Conflict):
            await _act(box, action, "jana")
    await box.begin("jana")
    with pytest.raises(Conflict):
        await _act(box, actions.resume, "jana")


async def test_leaving_shortens_no_wait_and_applications_are_limited(box: JuryBox) -> None:
    await box.apply("jana")
    await box.train("jana", misses=MOST_MISSES + 1)
    for _ in range(MOST_APPLICATIONS - 1):
        await _act(box, actions.leave, "jana")
        await box.apply("jana")
        with pytest.raises(TooMany):
            await box.begin("jana")
    await _act(box, actions.leave, "jana")
    with pytest.raises(TooMany):
        await box.apply("jana")
    with clock.stopped_at(clock.now() + APPLICATIONS_WITHIN + MINUTE):
        again = await box.apply("jana")
        assert (again.applications, again.attempts, again.failed_at) == (1, 0, None)
        assert (await box.train("jana")).is_passed


async def test_records_of_those_who_left_are_deleted_when_they_count_no_more(box: JuryBox) -> None:
    await box.become("jana")
    await box.become("karel")
    await _act(box, actions.leave, "jana")
    await forget_left(box.database)
    assert await box.record("jana")
    with clock.stopped_at(clock.now() + APPLICATIONS_WITHIN + MINUTE):
        await forget_left(box.database)
    assert await box.record("jana") is None
    assert await box.record("karel")


async def test_an_operator_excludes_jurors_and_others_alike_and_readmits_them(box: JuryBox) -> None:
    await box.become("jana")
    ids = {name: box.village.people[name].id for name in ("jana", "karel")}
    for name in ("jana", "karel"):
        with pytest.raises(Forbidden):
            await _act(box, exclusion.exclude, "jana", ids[name], "They arrange their votes.")
        with pytest.raises(Invalid):
            await _act(box, exclusion.exclude, "hana", ids[name], " ")
        await _act(box, exclusion.exclude, "hana", ids[name], "They arrange their votes.")
        record = await box.record(name)
        assert record
        assert (record.state, record.reason, record.choices) == (State.EXCLUDED, "They arrange their votes.", Choices())
        with pytest.raises(Forbidden):
            await box.apply(name)
        with pytest.raises(NotFound):
            await _act(box, actions.leave, name)
        with pytest.raises(Conflict):
            await _act(box, exclusion.exclude, "hana", ids[name], "Again.")
    await box.village.work()
    mails = "".join(file.read_text() for file in box.village.settings.data.glob("outbox/*"))
    assert "jana@example.org" in mails
    assert "karel@example.org" in mails
    await _act(box, exclusion.readmit, "hana", ids["jana"])
    with pytest.raises(Conflict):
        await _act(box, exclusion.readmit, "hana", ids["jana"])
    assert (await box.apply("jana")).state is State.APPLIED
    async with box.database.read() as conn:
        entries = await conn.fetch("SELECT kind, actor_id, facts::text FROM journal WHERE kind LIKE 'juror%' ORDER BY lane, number")
    assert sorted(row["kind"] for row in entries) == ["juror.excluded", "juror.excluded", "juror.readmitted"]
    assert {row["actor_id"] for row in entries} == {box.village.people["hana"].id}
    assert not any(str(id_) in row["facts"] for id_ in ids.values() for row in entries)


async def test_a_new_file_of_questions_begins_an_open_training_again_without_counting(box: JuryBox) -> None:
    await box.apply("jana")
    first = await box.begin("jana")
    await box.answer("jana", first.asked[0], first.asked[0].expected)
    async with box.database.write() as tx:
        assert (await exclusion.publish_gold(tx, "## one\nBreaks: violense\n")).faults
    assert (await box.begin("jana")).asked[1:] == first.asked[1:]
    renamed = "\n".join(f"{line}-2" if line.startswith("## ") else line for line in shipped_source().split("\n"))
    async with box.database.write() as tx:
        assert not (await exclusion.publish_gold(tx, renamed)).faults
    with pytest.raises(Conflict):
        await box.answer("jana", first.asked[1], "")
    second = await box.begin("jana")
    assert all(one.question.endswith("-2") and one.attempt == 1 and not one.is_answered for one in second.asked)
    record = await box.record("jana")
    assert record
    assert record.attempts == 1
    for asked in second.asked:
        await box.answer("jana", asked, asked.expected)
    record = await box.record("jana")
    assert record
    assert record.state is State.JUROR


async def test_the_own_archive_has_the_record_and_nobody_elses(box: JuryBox) -> None:
    await box.become("jana")
    async with box.database.read() as conn:
        [own] = await list_own_record(conn, box.village.people["jana"].id, Page())
        assert await list_own_record(conn, box.village.people["karel"].id, Page()) == []
    written = msgspec.json.decode(msgspec.json.encode(own))
    assert (written["state"], len(written["answers"])) == ("juror", 10)
    assert str(box.village.people["hana"].id) not in str(written)


async def test_nobody_else_learns_who_is_a_juror(box: JuryBox, caplog: pytest.LogCaptureFixture) -> None:
    """All that others can read is the same before and after; nothing is logged, and no event is written."""
    await box.village.write("jana", "Dobrý den")
    jana = box.village.people["jana"]
    karel, hana = await box.village.by_app("karel"), await box.village.by_app("hana", "read admin:read")
    own = await box.village.by_app("jana", "read write follow push profile")
    pages = await box.village.by_browser("hana")

    async def seen() -> list[str]:
        api = [f"/api/v1/accounts/{jana.id}", f"/api/v1/accounts/{jana.id}/statuses", "/api/v1/directory", "/api/v2/instance"]
        return [
            *[(await karel.get(path)).text for path in api],
            *[(await hana.get(path)).text for path in (*api, "/api/folkmoot/v1/moderation")],
            (await own.get("/api/v1/accounts/verify_credentials")).text,
            (await pages.get("/@jana")).text.partition('name="form_token"')[0],
        ]

    before = await seen()
    caplog.set_level(logging.INFO)
    async with box.database.read() as conn:
        events, entries = await conn.fetchval("SELECT count(*) FROM events"), await conn.fetchval("SELECT count(*) FROM journal")
    await box.become("jana")
    assert await seen() == before
    async with box.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM events") == events
        assert await conn.fetchval("SELECT count(*) FROM journal") == entries
        counted = await queries.count_jurors(conn)
    assert [(one.name, one.number) for one in counted] == [("juror", 1)]
    assert not [record.getMessage() for record in caplog.records if record.name.startswith("folkmoot")]
    for path in ("/api/folkmoot/v1/jury", "/api/folkmoot/v1/jury/training"):
        assert (await own.get(path)).status == 403  # `read` does not include `jury`


async def test_jurors_are_counted_by_language_and_topic(box: JuryBox) -> None:
    await box.become("jana")
    await box.become("karel")
    await _act(box, actions.choose, "jana", Choices(languages=("cs", "en"), avoided=("violence",)))
    async with box.database.read() as conn:
        languages = dict(await queries.count_by_language(conn))
        topics = dict(await queries.count_by_topic(conn, ["violence", "spam"]))
    assert languages == {"en": 2, "cs": 1}
    assert topics == {"violence": 1, "spam": 2}
    await _act(box, actions.pause, "karel")
    async with box.database.read() as conn:
        assert dict(await queries.count_by_topic(conn, ["violence", "spam"])) == {"violence": 0, "spam": 1}


async def test_applying_twice_at_once_makes_one_record(box: JuryBox) -> None:
    viewer = await box.viewer("jana")
    async with box.database.write() as tx:
        await actions.apply(tx, viewer, CHOICES)
        with pytest.raises(Problem):
            await actions.apply(tx, viewer, CHOICES)
    async with box.database.read() as conn:
        assert await conn.fetchval("SELECT count(*) FROM jurors") == 1
