"""How answers become a decision: the clause, the measure, its words; and the weights with which answers are counted."""

import hashlib
import itertools
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from folkmoot.base import clock, i18n
from folkmoot.moderation.appeals.model import OPEN_FOR
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.journal.actions import encode_facts
from folkmoot.moderation.juries import queries
from folkmoot.moderation.juries.actions.fit import fit_camps
from folkmoot.moderation.juries.counting import Ballot, Count, clause_found, conclude, facts_of, measure
from folkmoot.moderation.juries.jobs import forget
from folkmoot.moderation.juries.model import KEPT_AFTER, UNFITTED, SeatState, Severity
from folkmoot.moderation.juries.wording import explain
from folkmoot.moderation.jury.fitting import fit
from folkmoot.moderation.jury.model import Answer, Camp, StepKind, Weights
from folkmoot.moderation.verdicts.model import Action
from tests.moderation.jury_room import JuryRoom
from tests.village import follow

_EQUAL = Weights((1500, 1500, 1500), (1500, 1500, 1500))
_RECORDED = "7ab6b55ce89b264dccf50df7b65d4c6a77b594bcc96cca4a79cc5113f7c9415b"
_USUAL = {"violence": ("remove", "suspend"), "media": ("label",)}


def _count(*ballots: tuple[str | None, Severity | None], at_most: str = "", suspected: str = "violence") -> Count:
    """Ballots of the two camps in turn, all with the same weights."""
    answers = {None: Answer.UNSURE, "": Answer.HARMLESS}
    return Count(
        ballots=tuple(
            Ballot(number, Camp(number % 2), answers.get(clause, Answer.BREACH), clause or "", severity, _EQUAL)
            for number, (clause, severity) in enumerate(ballots, 1)
        ),
        base=0, fit=1, side=None, is_agreed=False, policy="2026-11-29", suspected=suspected, usual=_USUAL, at_most=at_most,
    )


def test_weights_before_the_first_fit_are_those_of_a_fit_without_answers() -> None:
    fitted = fit([], {}, {})
    assert (UNFITTED.base, UNFITTED.newcomer) == (fitted.base, fitted.newcomer)


@pytest.mark.parametrize(("usual", "measures"), [
    (("remove", "freeze"), (Action.HIDE, Action.REMOVE, Action.REMOVE)), (("label",), (Action.LABEL, Action.LABEL, Action.LABEL)),
    (("label", "remove"), (Action.LABEL, Action.LABEL, Action.REMOVE)), (("limit_post", "hide"), (Action.LABEL, Action.LIMIT, Action.HIDE)),
    (("freeze",), (Action.LIMIT, Action.HIDE, Action.REMOVE)), ((), (Action.LIMIT, Action.HIDE, Action.REMOVE)),
])
def test_the_measure_follows_from_the_policy_and_the_severity(usual: tuple[str, ...], measures: tuple[Action, ...]) -> None:
    assert tuple(measure(usual, severity) for severity in Severity) == measures
    assert measure(usual, Severity.GRAVE, "label") is Action.LABEL
    assert measure(usual, Severity.GRAVE, "remove") is measures[-1]
    assert measure(usual, Severity.GRAVE, "keep") is measures[-1]  # reporters appeal


def test_most_name_the_clause_and_the_median_its_severity() -> None:
    slight, clear, grave = Severity
    four = [("violence", slight), ("violence", grave), ("media", clear), ("violence", grave), ("violence", None)]
    decided = conclude(_count(*four))
    assert (decided.step, decided.clause, decided.action) == (StepKind.BREACH, "violence", Action.REMOVE)
    two = [("violence", slight), ("violence", grave), ("violence", slight), ("violence", grave), (None, None)]
    assert conclude(_count(*two)).action == Action.HIDE  # of two middles the milder one
    assert clause_found(_count(("media", clear), ("violence", clear))) == "violence"
    assert clause_found(_count(("media", clear), ("violence", clear), suspected="media")) == "media"
    assert clause_found(_count(("media", clear), ("violence", clear), suspected="spam")) == "media"
    kept = conclude(_count(*[("", None)] * 5))
    assert (kept.step, kept.action, kept.clause) == (StepKind.HARMLESS, Action.KEEP, "")
    open_ = conclude(_count(*[("", None), ("violence", clear)] * 2, (None, None)))
    assert (open_.step, open_.seats, open_.action, open_.clause) == (StepKind.ASK, 2, "", "")


@given(st.lists(st.tuples(st.sampled_from([None, "", "violence", "media"]), st.sampled_from([None, *Severity])), min_size=1, max_size=9))
def test_the_order_of_the_ballots_changes_nothing(ballots: list[tuple[str | None, Severity | None]]) -> None:
    count = _count(*ballots)
    turned = Count(**{name: getattr(count, name) for name in count.__struct_fields__} | {"ballots": count.ballots[::-1]})
    assert conclude(turned) == conclude(count)


def test_counts_of_earlier_releases_give_the_same_bytes() -> None:
    """Journals keep counts for years, and a replay must give their bytes. A change of these rules needs the present ones kept beside the
    new ones, and a field in new counts that says which; it does not change this digest."""
    digest, ends = hashlib.sha256(), set()
    for number in range(400):
        count = _recorded(hashlib.shake_256(str(number).encode()).digest(200))
        ends.add(conclude(count).step)
        digest.update(encode_facts(facts_of(count)).encode() + b"\n")
    assert ends == set(StepKind)
    assert digest.hexdigest() == _RECORDED


def _recorded(bytes_: bytes) -> Count:
    """A count that follows from these bytes: 1 to 9 ballots, all kinds of answers, weights, sides and measures."""
    drawn = iter(bytes_)

    def below(most: int) -> int:
        return next(drawn) % most

    ballots, mood = [], below(4)
    for seat in range(1, 2 + below(9)):
        answer = (Answer.HARMLESS, Answer.BREACH, Answer.UNSURE, Answer.BREACH)[below(4) if below(3) == 0 else mood]
        is_breach = answer is Answer.BREACH
        weights = Weights(*(tuple(100 * below(40) for _ in range(3)) for _ in range(2)))  # type: ignore[arg-type]
        ballots.append(Ballot(
            seat, Camp(seat % 2), answer, ("violence", "media", "spam")[below(3)] if is_breach else "",
            Severity(1 + below(3)) if is_breach else None, weights,
        ))
    return Count(
        ballots=tuple(ballots), base=100 * below(40) - 2000, fit=below(9), side=(None, *Camp)[below(3)], is_agreed=below(2) == 1,
        policy="2026-11-29", suspected=("violence", "media")[below(2)], usual=_USUAL, at_most=("", "", "label", "hide")[below(4)],
    )


def test_the_words_of_a_decision_are_in_the_language_of_the_author() -> None:
    translators = i18n.load("Europe/Prague")
    count = _count(*[("violence", Severity.CLEAR)] * 4, ("", None))
    for language in i18n.LANGUAGES:
        clause = clause_of("violence")
        text = explain(translators[language], count, clause)
        assert (clause.text[language] in text, clause.title[language] in text, " 5 " in text, " 4 " in text) == (True,) * 4
        kept = explain(translators[language], _count(*[("", None)] * 3), None)
        assert kept.count("3") == 2
        assert kept not in text
    assert explain(translators["cs"], count, None) != explain(translators["en"], count, None)


async def test_answers_are_counted_with_the_newest_weights(room: JuryRoom) -> None:
    """One juror always says the opposite of the others: after a fit its answers are worth less, and the journal says so."""
    contrary = room.ids[0]
    for number in range(6):
        _, case = await room.case(f"Svolám je {number}")
        await room.form()
        await room.answer_all(case, lambda seat: "" if seat.account_id == contrary else "violence")
    async with room.database.write() as tx:  # the training of the others and of the contrary one
        await tx.executemany(
            "INSERT INTO gold_answers (account_id, attempt, position, question, language, expected, answer, is_right, answered_at)"
            " VALUES ($1, 1, $2, $3, 'en', $4, $5, $4::text = $5::text, now())",
            [(id_, place, f"question{place}", "spam" if place % 2 else "", "" if (place % 2) == (id_ != contrary) else "spam")
             for id_, place in itertools.product(room.ids, range(1, 11))],
        )
    await room.juries.fit_weights(room.database)
    async with room.database.read() as conn:
        fitted = await queries.find_fit(conn)
        weights = await queries.list_weights(conn, room.ids)
    assert fitted
    assert fitted.version == 1
    assert set(weights) == set(room.ids)
    await room.juries.fit_weights(room.database)
    async with room.database.read() as conn:
        assert await queries.find_fit(conn) == fitted  # nothing new: no version
    _, case = await room.case("Svolám je naposled")
    await room.form()
    seats = await room.answer_all(case, "violence")
    counted = json.loads((await room.journal(case, "jury.counted"))[-1])["count"]
    assert counted["fit"] == 1
    assert counted["ballots"] == [
        [seat.number, seat.camp, 1, "violence", 2, [list(weights[seat.account_id].breach), list(weights[seat.account_id].harmless)]]
        for seat in seats
    ]


async def test_camps_come_from_follows_and_keep_their_names(room: JuryRoom) -> None:
    people = list(room.village.people.values())
    async with room.database.write() as tx:
        await tx.execute("DELETE FROM camp_positions")
    for group in (people[:10], people[10:20]):
        for one, other in itertools.permutations(group, 2):
            if (one.id + other.id) % 5:
                await follow(room.database, one, other)
    assert await fit_camps(room.database)
    async with room.database.read() as conn:
        places = await queries.list_places(conn)
    sides = [{places[one.id] > 0 for one in group if one.id in places} for group in (people[:10], people[10:20])]
    assert sorted(map(len, sides)) == [1, 1]
    assert sides[0] != sides[1]
    async with room.database.write() as tx:
        await queries.replace_places(tx, {id_: -place for id_, place in places.items()})
    await fit_camps(room.database)
    async with room.database.read() as conn:
        again = await queries.list_places(conn)
    assert all((again[id_] > 0) != (place > 0) for id_, place in places.items() if place)


async def test_answers_are_deleted_when_nobody_can_appeal_any_more(room: JuryRoom) -> None:
    _, case = await room.case()
    await room.form()
    await room.answer_all(case, "violence")
    _, other = await room.case("Svolám je znovu")
    await room.form()
    with clock.stopped_at(clock.now() + OPEN_FOR):
        await forget(room.database)
    assert len(await room.seats(case, SeatState.ANSWERED)) >= 5
    with clock.stopped_at(clock.now() + OPEN_FOR + KEPT_AFTER + timedelta(hours=1)):
        await forget(room.database)
    assert await room.seats(case) == []
    assert len(await room.seats(other)) == 5  # of an open case
