"""Holds a hashtag, a link or a site back from the trends, and lets it in again. Posts with it stay as they are: this is no restriction of
anybody, only the network does not recommend it."""

import hashlib

from folkmoot.base import clock
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import FieldError, Invalid
from folkmoot.base.handles import domain_of
from folkmoot.base.text import clean_line
from folkmoot.base.tokens import hashtag_key, is_hashtag
from folkmoot.moderation.cases.policy import require_moderator
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.network.cards.addresses import normal_address
from folkmoot.network.sessions.model import Viewer
from folkmoot.network.trends.actions import allow_trend, refuse_trend
from folkmoot.network.trends.model import Kind


async def hold_back(tx: WriteTx, moderator: Viewer, text: str) -> None:
    """From now on a hashtag, a page, or all pages of a site are in no trends. Moderators. Writes trend.held_back to the journal, with a
    hash of it. Raises Invalid for what is none of these."""
    require_moderator(moderator)
    kind, subject = _subject_of(text)
    if await refuse_trend(tx, kind, subject, moderator.id, clock.now()):
        await _record(tx, Step.TREND_HELD_BACK, moderator, kind, subject)


async def let_in(tx: WriteTx, moderator: Viewer, text: str) -> None:
    """Lets a hashtag, a page or a site that was held back be a trend again. Moderators. Writes trend.let_in to the journal."""
    require_moderator(moderator)
    kind, subject = _subject_of(text)
    if await allow_trend(tx, kind, subject):
        await _record(tx, Step.TREND_LET_IN, moderator, kind, subject)


def _subject_of(text: str) -> tuple[Kind, str]:
    text = clean_line(text)
    if "://" in text and (address := normal_address(text)):
        return Kind.LINK, address
    if "://" not in text and is_hashtag(text.lstrip("#＃")):
        return Kind.HASHTAG, hashtag_key(text)
    if "://" not in text and "/" not in text and "@" not in text and (host := domain_of(text)):
        return Kind.LINK, host
    raise Invalid(FieldError("what", "invalid", "Please write a hashtag, the whole address of a page, or a domain."))


async def _record(tx: WriteTx, step: Step, moderator: Viewer, kind: Kind, subject: str) -> None:
    digest = hashlib.sha256(subject.encode()).hexdigest()
    await record_step(tx, step, case_id=None, actor_id=moderator.id, trend=kind.name.lower(), sha256=digest)
