"""Draws posts for review, and takes the answers."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from folkmoot.base import clock
from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import Conflict
from folkmoot.moderation.clauses.model import Clause
from folkmoot.moderation.detection.actions import raise_signal
from folkmoot.moderation.detection.model import ExaminedText, Finding
from folkmoot.moderation.detection.queries import list_post_texts_unscoped
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.learning import queries
from folkmoot.moderation.learning.model import SAMPLE_LASTS, Answer, Sample
from folkmoot.network.sessions.model import Viewer

SAMPLE = "sample"  # the detector of signals from answers
_FROM = timedelta(days=1)
_MOST = 20_000  # posts that are drawn from
_SCORED = 1_000
_PROBABILITY = 0.9  # of a breach that a moderator saw


async def pick_posts(conn: ReadConn, now: datetime) -> list[ExaminedText]:
    """Up to a thousand posts of the last day, drawn at random."""
    post_ids = await queries.list_unexamined_post_ids(conn, now - _FROM, _MOST)
    drawn = [post_ids.pop(clock.draw(len(post_ids))) for _ in range(min(_SCORED, len(post_ids)))]
    return [text for text in await list_post_texts_unscoped(conn, drawn) if text.text]


def choose(texts: Sequence[ExaminedText], scores: Sequence[float], count: int, now: datetime) -> list[Sample]:
    """`count` samples: half of them those whose score is nearest to one half, where an answer teaches most; the others at
    random, so that the sample also shows what the detector overlooks. The texts are in random order."""
    known = list(zip(texts, scores, strict=True))
    unsure = sorted(known, key=lambda pair: abs(pair[1] - 0.5))[: count // 2]
    chosen = {text.subject_id for text, _ in unsure}
    rest = [pair for pair in known if pair[0].subject_id not in chosen][: count - len(unsure)]
    return [
        Sample(post_id=text.subject_id, edited_at=text.edited_at, score=score, is_unsure=text.subject_id in chosen, drawn_at=now)
        for text, score in (*unsure, *rest)
    ]


async def keep_samples(tx: WriteTx, samples: Sequence[Sample], now: datetime) -> None:
    """Stores new samples and drops those that nobody has reviewed for a week: there are newer ones."""
    await queries.delete_unanswered(tx, now - SAMPLE_LASTS)
    await queries.insert_samples(tx, samples)


async def answer_sample(tx: WriteTx, moderator: Viewer, post_id: int, edited_at: datetime | None, answer: Answer) -> int | None:
    """Stores the answer; returns the id of the case that a threat gets.

    Moderators, not about their own posts. Writes sample.reviewed to the journal; a threat also raises a signal. Raises
    Conflict if somebody has answered, or if the post has changed.
    """
    texts = [text for text in await list_post_texts_unscoped(tx, [post_id]) if text.edited_at == edited_at]
    if not texts or texts[0].account_id == moderator.id or not await queries.update_answer(
        tx, post_id, edited_at, answer, moderator.id, clock.now()
    ):
        raise Conflict("This post has changed, or somebody has already looked at it.")
    await record_step(tx, Step.SAMPLE_REVIEWED, case_id=None, actor_id=moderator.id, post=str(post_id), answer=answer)
    if answer is not Answer.THREAT:
        return None
    return await open_case_of_sample(tx, texts[0])


async def open_case_of_sample(tx: WriteTx, text: ExaminedText, clause: Clause | None = None) -> int | None:
    """Gives a post in which a moderator has seen a breach a case, whose id is returned; None if it was decided before. `clause`: the
    broken one; None: that of threats."""
    found = Finding(score=_PROBABILITY, queue=True, hide=False, reasons=(), detector=SAMPLE, version="1")
    case = await raise_signal(tx, text, found, clause)
    return case.id if case else None
