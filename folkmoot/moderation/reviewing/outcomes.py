"""What a juror reads afterwards: the decisions about cases that they answered, and what was known of gold questions.

Neither numbers of answers nor anybody else's answer, and nothing before a case is settled.
"""

from collections.abc import Mapping

import msgspec

from folkmoot.base.db import ReadConn
from folkmoot.moderation.juries import queries as juries
from folkmoot.moderation.juries.model import Outcome as CaseOutcome
from folkmoot.moderation.jurors import queries as jurors
from folkmoot.moderation.jurors.gold_file import Question
from folkmoot.moderation.jurors.model import GoldItem
from folkmoot.moderation.jury.model import Answer
from folkmoot.moderation.reviewing import queries
from folkmoot.moderation.reviewing.model import Outcome
from folkmoot.moderation.reviewing.pairs import asked_questions
from folkmoot.moderation.workspace.masking import Masks
from folkmoot.network.accounts.queries import list_accounts
from folkmoot.network.posts.queries import list_posts_by_ids_unscoped

_NEWEST = 50
_EXCERPT = 240  # characters


async def list_own_outcomes(conn: ReadConn, juror_id: int) -> list[Outcome]:
    """The newest ones, the newest answer first. Six statements."""
    questions = await asked_questions(conn)
    found: list[tuple[Outcome, int | None]] = [
        (_of_gold(item, questions), item.case_id) for item in await jurors.list_gold_items(conn, juror_id, _NEWEST)
    ]
    found += [(_of_case(one), one.case_id) for one in await juries.list_outcomes(conn, juror_id, _NEWEST)]
    found = sorted(found, key=lambda pair: pair[0].answered_at, reverse=True)[:_NEWEST]
    words = await _words_of(conn, [case_id for _, case_id in found if case_id])
    return [_with_words(one, words, case_id) for one, case_id in found]


async def find_feedback(conn: ReadConn, juror_id: int, item_id: int) -> Outcome | None:
    """What was known of a gold question that the juror has answered; None for a case."""
    item = await jurors.find_gold_item(conn, juror_id, item_id)
    questions = await asked_questions(conn)
    return _of_gold(item, questions) if item and item.answered_at else None


def _of_gold(item: GoldItem, questions: Mapping[str, Question]) -> Outcome:
    assert item.answered_at is not None
    question = questions.get(item.question)
    wording = question.wordings.get(item.language) if question else None
    return Outcome(
        item_id=item.id, answered_at=item.answered_at, text=wording.text if wording else "", language=item.language, answer=item.answer,
        decided=item.expected, is_gold=True, why=wording.why if wording else "",
    )


def _of_case(one: CaseOutcome) -> Outcome:
    return Outcome(
        item_id=one.item_id, answered_at=one.answered_at, text="", language="",
        answer=None if one.answer is Answer.UNSURE else one.clause if one.answer is Answer.BREACH else "", decided=one.found,
        is_gold=False,
    )


async def _words_of(conn: ReadConn, case_ids: list[int]) -> dict[int, tuple[str, str]]:
    """The beginning of each post, without names, and its language; by case. Deleted ones are left out."""
    subjects = await queries.list_subjects(conn, case_ids)
    posts = await list_posts_by_ids_unscoped(conn, [post_id for post_id, _ in subjects.values()])
    authors = await list_accounts(conn, [author_id for _, author_id in subjects.values()])
    return {
        case_id: (_excerpt(Masks(authors[author_id].acct).mask(posts[post_id].cover or posts[post_id].text)), posts[post_id].language or "")
        for case_id, (post_id, author_id) in subjects.items() if post_id in posts and author_id in authors
    }


def _with_words(one: Outcome, words: Mapping[int, tuple[str, str]], case_id: int | None) -> Outcome:
    if case_id is None:
        return one
    text, language = words.get(case_id, ("", ""))
    return msgspec.structs.replace(one, text=text, language=language)


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rstrip() + "…"
