"""Gold questions among cases: which one a juror gets, and how an answer is kept.

They are settled cases: not appealed, unanimous, settled for two weeks, their words unchanged and public. Until there are some, questions of
the training are asked that the juror has not seen, and that need no situation told beside them. One in four is half of a counterfactual
pair (`pairs.py`). Each takes the statements of a case.
"""

from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict, FieldError, Forbidden, Invalid, NotFound
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.cases.queries import get_case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.juries.actions.reviewing import ADVANCE
from folkmoot.moderation.juries.model import (
    COUNTED_WITHIN,
    LEASE,
    LONGEST_LEASE,
    Advance,
    AlreadyDecided,
    LeaseEnded,
    NoLongerYours,
    Review,
    TextChanged,
)
from folkmoot.moderation.juries.queries import count_outstanding, is_able, list_tied, lock_jury
from folkmoot.moderation.jurors import queries as jurors
from folkmoot.moderation.jurors.gold_file import Question
from folkmoot.moderation.jurors.model import Choices, GoldItem
from folkmoot.moderation.jurors.questions import fitting_questions
from folkmoot.moderation.jury.model import FIRST_SEATS
from folkmoot.moderation.reviewing import queries
from folkmoot.moderation.reviewing.model import GOLD_EVERY, MOST_GAP, MOST_USES, PAIR_EVERY
from folkmoot.moderation.reviewing.pairs import asked_questions, draw_half
from folkmoot.moderation.reviewing.reading import version_of
from folkmoot.network.sessions.model import Viewer

_TRIED = 5  # cases in which the juror could know somebody
_NOTHING = 0  # the id of no case


def draw_gap() -> int:
    """How many cases come before the next gold question. Whoever has counted them knows nothing about the next item."""
    gap = 0
    while gap < MOST_GAP and clock.draw(GOLD_EVERY):
        gap += 1
    return gap


async def open_gold(tx: WriteTx, account_id: int, choices: Choices, now: datetime) -> GoldItem | None:
    """Draws a gold question for a juror and opens it; None if there is none left for them."""
    pair = None if clock.draw(PAIR_EVERY) else await draw_half(tx, account_id, choices, now)
    item = _of_question(pair.question, pair.language, account_id, now) if pair else (
        await _settled_case(tx, account_id, choices, now) or await _question(tx, account_id, choices, now)
    )
    if item:
        await jurors.insert_gold_item(tx, item)
    return item


async def renew(tx: WriteTx, item: GoldItem, now: datetime) -> None:
    """Reading an item again renews its lease, as that of a seat."""
    await jurors.update_gold_lease(tx, item, max(item.leased_until, min(now + LEASE, item.opened_at + LONGEST_LEASE)))


async def _settled_case(tx: WriteTx, account_id: int, choices: Choices, now: datetime) -> GoldItem | None:
    found = await queries.list_gold_cases(tx, account_id, choices, MOST_USES, _TRIED, is_breach=clock.draw(2) == 0)
    for one in found:
        if not await list_tied(tx, one.case_id, [account_id], now):
            await queries.count_use(tx, one.case_id)
            return _item(account_id, now, case_id=one.case_id, language=one.language, expected=one.expected, suspected=one.suspected)
    return None


async def _question(tx: WriteTx, account_id: int, choices: Choices, now: datetime) -> GoldItem | None:
    """One of the questions of the training, in the language of the juror. A situation that is told beside the words would reveal it."""
    seen = set(await jurors.list_seen(tx, account_id))
    suitable = [
        (key, language, one) for key, one in (await fitting_questions(tx)).items() if key not in seen
        and not {one.topic, one.breaks} & set(choices.avoided)
        for language, wording in one.wordings.items() if language in choices.languages and not wording.context
    ]
    if not suitable:
        return None
    _, language, one = suitable[clock.draw(len(suitable))]
    return _of_question(one, language, account_id, now)


def _of_question(one: Question, language: str, account_id: int, now: datetime) -> GoldItem:
    return _item(account_id, now, question=one.key, language=language, expected=one.breaks, suspected=one.topic)


def _item(
    account_id: int, now: datetime, *, language: str, expected: str, suspected: str, case_id: int | None = None, question: str = ""
) -> GoldItem:
    return GoldItem(
        id=make_item_id(), account_id=account_id, case_id=case_id, question=question or f"case/{case_id}", language=language,
        expected=expected, suspected=suspected, opened_at=now, leased_until=now + LEASE,
    )


def make_item_id() -> int:
    """As those of seats."""
    return clock.draw(1 << 62)


async def find_question(conn: ReadConn, item: GoldItem) -> Question | None:
    """Its question of the file, or half of a pair; None for a settled case, and for a question that the operator has removed."""
    return None if item.case_id else (await asked_questions(conn)).get(item.question)


async def answer_gold(tx: WriteTx, juror: Viewer, item_id: int, review: Review) -> None:
    """Keeps the answer. The checks and the errors are those of `juries.answer_item`, in the same order, with the same statements."""
    case_id = (await jurors.get_gold_item(tx, juror.id, item_id)).case_id or _NOTHING
    await lock_jury(tx, case_id)
    item = await jurors.get_gold_item(tx, juror.id, item_id)
    if review.finding.clause and not current().find(review.finding.clause):
        raise Invalid(FieldError("clause", "inclusion", "There is no such rule."))
    now = clock.now()
    if item.answered_at is not None:
        if (item.answer, item.sureness, item.severity) != (review.finding.clause, review.finding.sureness, _severity(review)):
            raise Conflict("You have answered this one already.")
        return
    case = await _find_case(tx, case_id)
    if item.leased_until <= now:
        raise LeaseEnded
    if not await is_able(tx, juror.id, now):
        raise Forbidden
    if await list_tied(tx, case_id, [juror.id], now):
        raise NoLongerYours
    question = await find_question(tx, item)
    version = (await read_subject(tx, case)).newest if case else version_of(question, item.language)
    if version is None:
        raise AlreadyDecided
    if version.key != review.seen_key:
        raise TextChanged

    is_right = _is_right(item, question, review.finding.clause)
    await jurors.update_gold_item(tx, item, review.finding, _severity(review), is_right=is_right, at=now)
    if not await count_outstanding(tx, case_id) and case and clock.draw(FIRST_SEATS) == 0:  # one answer in five completes a jury
        tx.enqueue(ADVANCE, Advance(case.id), delay=timedelta(seconds=clock.draw(COUNTED_WITHIN)))


async def _find_case(conn: ReadConn, case_id: int) -> Case | None:
    try:
        return await get_case(conn, case_id)
    except NotFound:
        return None


def _severity(review: Review) -> int | None:
    return review.severity if review.finding.clause else None


def _is_right(item: GoldItem, question: Question | None, answer: str | None) -> bool:
    """In a settled case another rule than the decided one is right too, if one was broken."""
    if question:
        return question.is_right(answer)
    return answer is not None and bool(answer) == bool(item.expected)
