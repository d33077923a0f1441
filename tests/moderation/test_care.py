"""Care for moderators: a daily limit, a break that is offered, and topics that are left to others."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import pytest

from folkmoot.base import clock
from folkmoot.base.errors import Forbidden, Invalid
from folkmoot.moderation.cases.calls import Callees
from folkmoot.moderation.cases.jobs import call_people, watch_deadlines
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import count_waiting, list_left_clauses, list_queue
from folkmoot.moderation.cases.teamwork import list_possible_deciders
from folkmoot.moderation.workspace.actions import read_pace, set_preferences, take_next
from folkmoot.moderation.workspace.model import Break, Done, Preferences, pace_of
from folkmoot.moderation.workspace.queries import get_preferences
from folkmoot.network.posts.model import Visibility
from folkmoot.network.sessions.model import Role
from tests.moderation.court import Court

_NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def _row(minutes: range, severity: float = 0.2) -> list[Done]:
    return [Done(_NOON + timedelta(minutes=minute), severity) for minute in minutes]


def _pause(today: list[Done], minute: int) -> Break | None:
    return pace_of(today, 40, _NOON + timedelta(minutes=minute)).pause


def test_a_break_is_offered_after_two_hours_without_one() -> None:
    today = _row(range(0, 121, 10))
    assert _pause(today, 119) is None
    assert _pause(today, 120) is Break.LONG
    assert _pause(today, 135) is None  # they have had one
    rested = [done for done in today if done.made_at != _NOON + timedelta(minutes=60)]  # a gap of twenty minutes
    assert _pause(rested, 120) is None


def test_a_break_is_offered_after_five_grave_cases_in_a_row() -> None:
    assert _pause(_row(range(4), 0.9), 4) is None
    assert _pause(_row(range(5), 0.9), 5) is Break.GRAVE
    assert _pause([*_row(range(5), 0.9), *_row(range(5, 6))], 6) is None
    assert _pause(_row(range(5), 0.9), 30) is None


def test_a_moderator_can_lower_the_daily_limit_and_not_raise_it() -> None:
    assert Preferences().limit(40) == 40
    assert Preferences(daily_limit=10).limit(40) == 10
    assert Preferences(daily_limit=100).limit(40) == 40
    assert [pace_of(_row(range(done)), 3, _NOON).is_enough for done in (2, 3)] == [False, True]


async def _reported(court: Court, text: str, clause: str, **draft: object) -> Case:
    view = await court.village.write("author", text, **draft)
    await court.report("reporter", view, clauses=(clause,))
    return next(case for case in await court.queue() if case.subject_id == view.post.id)


async def _prefer(court: Court, name: str, preferences: Preferences) -> None:
    viewer = await court.viewer(name)
    async with court.database.write() as tx:
        await set_preferences(tx, viewer, preferences)


async def test_a_topic_is_left_to_others_everywhere(court: Court) -> None:
    threat = await _reported(court, "Přijďte si pro ránu.", "violence")
    advert = await _reported(court, "Kupte si zázračnou mast.", "spam")
    await _prefer(court, "moderator", Preferences(avoided=("violence",)))
    moderator, other = court.village.people["moderator"], court.village.people["other_moderator"]
    async with court.database.read() as conn:
        assert [case.id for case in await list_queue(conn, clock.now(), 10, moderator.id)] == [advert.id]
        assert {case.id for case in await list_queue(conn, clock.now(), 10, other.id)} == {threat.id, advert.id}
        assert [await count_waiting(conn, clock.now(), one.id, 10) for one in (moderator, other)] == [1, 2]
        assert [one.username for one in await list_possible_deciders(conn, threat)] == ["other_moderator"]
        assert len(await list_possible_deciders(conn, advert)) == 2
    taken = await take_next(court.database, await court.viewer("moderator"), 0)
    assert taken
    assert taken.id == advert.id
    assert await take_next(court.database, await court.viewer("moderator"), 0, [advert.id]) is None


async def test_a_topic_that_everybody_leaves_goes_to_operators_and_then_to_everybody(court: Court) -> None:
    """An operator is told, and nobody else learns who has chosen what. A topic that somebody takes stays theirs to the end."""
    await court.village.settle("operator", role=Role.OPERATOR)
    case = await _reported(court, "Přijďte si pro ránu.", "violence")
    names = ("moderator", "other_moderator", "operator")
    for name in names[:2]:
        await _prefer(court, name, Preferences(avoided=("violence", "spam")))
    assert await _offered(court, case, 0.9, names) == {"operator"}
    async with court.database.read() as conn:
        assert await list_left_clauses(conn) == []
        assert [one.username for one in await list_possible_deciders(conn, case)] == ["operator"]

    await _prefer(court, "operator", Preferences(avoided=("violence",)))
    async with court.database.read() as conn:
        assert await list_left_clauses(conn) == ["violence"]
        assert {one.username for one in await list_possible_deciders(conn, case)} == set(names)


async def test_a_left_case_is_offered_when_half_of_its_time_has_passed(court: Court) -> None:
    await court.village.settle("operator", role=Role.OPERATOR)
    case = await _reported(court, "Přijďte si pro ránu.", "violence")
    names = ("moderator", "other_moderator", "operator")
    for name in names:
        await _prefer(court, name, Preferences(avoided=("violence",)))
    assert await _offered(court, case, 0.4, names) == set()
    assert await _offered(court, case, 0.6, names) == {"operator"}
    async with court.database.read() as conn:
        mails = [json.loads(row["payload"]) for row in await conn.fetch("SELECT payload FROM jobs WHERE name = 'sessions.send_mail'")]
    assert [(mail["to"], mail["count"]) for mail in mails if mail["text"] == "cases_left"] == [("operator@example.org", 1)]
    assert await _offered(court, case, 0.85, names) == set(names)


async def test_a_case_is_left_when_those_who_take_its_topic_are_concerned(court: Court) -> None:
    case = await _reported(court, "Přijďte si pro ránu.", "violence")
    await _prefer(court, "moderator", Preferences(avoided=("violence",)))
    names = ("moderator", "other_moderator")
    assert await _offered(court, case, 0.85, names) == {"other_moderator"}
    await court.village.follow("other_moderator", "author")
    assert await _offered(court, case, 0.85, names) == {"moderator"}


async def _offered(court: Court, case: Case, share: float, names: Sequence[str]) -> set[str]:
    """To which of these moderators the queue offers a case, when this share of its time has passed."""
    now = case.opened_at + (case.due_at - case.opened_at) * share
    with clock.stopped_at(now):
        await watch_deadlines(court.database)
        await call_people(court.database, Callees.of(court.village.settings))
    async with court.database.read() as conn:
        return {
            name for name in names
            if case.id in [one.id for one in await list_queue(conn, now, 10, court.village.people[name].id)]
        }


async def test_preferences_are_checked_and_only_for_moderators(court: Court) -> None:
    with pytest.raises(Invalid):
        await _prefer(court, "moderator", Preferences(avoided=("nothing",)))
    with pytest.raises(Invalid):
        await _prefer(court, "moderator", Preferences(daily_limit=0))
    with pytest.raises(Forbidden):
        await _prefer(court, "reader", Preferences())
    await _prefer(court, "moderator", Preferences(avoided=("spam",), daily_limit=5))
    await _prefer(court, "moderator", Preferences(daily_limit=7))
    async with court.database.read() as conn:
        assert await get_preferences(conn, court.village.people["moderator"].id) == Preferences(daily_limit=7)
        assert await get_preferences(conn, court.village.people["other_moderator"].id) == Preferences()


async def test_what_was_done_today_is_counted(court: Court) -> None:
    noon = clock.now().replace(hour=12)
    with clock.stopped_at(noon):
        for number in range(2):
            await court.decide("moderator", await _reported(court, f"Rána číslo {number}.", "violence"), "remove")
    await _prefer(court, "moderator", Preferences(daily_limit=2))
    async with court.database.read() as conn:
        with clock.stopped_at(noon + timedelta(hours=1)):
            pace = await read_pace(conn, await court.viewer("moderator"), court.village.settings)
        with clock.stopped_at(noon + timedelta(days=1)):
            later = await read_pace(conn, await court.viewer("moderator"), court.village.settings)
    assert (pace.done, pace.limit, pace.is_enough, pace.pause) == (2, 2, True, None)
    assert (later.done, later.limit, later.is_enough) == (0, 2, False)


async def test_a_case_that_is_fetched_in_advance_is_kept_from_others_for_a_minute_only(court: Court) -> None:
    one, two = [await _reported(court, text, "violence") for text in ("Přijďte si pro ránu.", "Tobě taky ránu.")]
    moderator, other = await court.viewer("moderator"), await court.viewer("other_moderator")
    first = await take_next(court.database, moderator, 0)
    assert first
    ahead = await take_next(court.database, moderator, 1, [first.id], is_ahead=True)
    assert ahead
    assert {first.id, ahead.id} == {one.id, two.id}
    assert await take_next(court.database, other, 0) is None
    with clock.stopped_at(clock.now() + timedelta(seconds=61)):
        assert (await court.case(first.id)).is_held(clock.now())
        taken = await take_next(court.database, other, 0)
        assert taken
        assert taken.id == ahead.id


async def test_fetching_in_advance_does_not_shorten_a_lease(court: Court) -> None:
    case = await _reported(court, "Přijďte si pro ránu.", "violence")
    await court.claim("moderator", case)
    assert await take_next(court.database, await court.viewer("moderator"), 0, is_ahead=True)
    with clock.stopped_at(clock.now() + timedelta(minutes=9)):
        assert (await court.case(case.id)).is_held(clock.now())


async def test_what_not_everybody_may_read_is_not_fetched_in_advance(court: Court) -> None:
    await court.village.follow("reporter", "author")
    case = await _reported(court, "Přijďte si pro ránu.", "violence", visibility=Visibility.FOLLOWERS)
    moderator = await court.viewer("moderator")
    assert await take_next(court.database, moderator, 0, is_ahead=True) is None
    assert not (await court.case(case.id)).is_held(clock.now())
    assert await take_next(court.database, moderator, 0)
