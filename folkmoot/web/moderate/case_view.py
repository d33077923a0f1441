"""Everything that the page of a case shows, read from all nouns of moderation in a fixed number of statements.

A letter replaces the name of each account (`masking.py`). On appeal the first verdict is hidden,
with everything that would reveal it.
"""

from collections import Counter
from datetime import datetime
from typing import NamedTuple

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.queries import list_appeals_of_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.queries import list_cases_of_account
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.queries import list_profile_texts_unscoped, list_signals
from folkmoot.moderation.detection.signals import Signal
from folkmoot.moderation.journal.model import Entry
from folkmoot.moderation.journal.queries import list_case_entries
from folkmoot.moderation.reports.model import CLAUSE_OF, AnonymousReport, Category
from folkmoot.moderation.reports.queries import count_reporters, list_anonymous_reports
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.verdicts.queries import find_decided_text_unscoped, find_last_of_moderator, list_verdicts_of_cases
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.model import Post, PostEffect
from folkmoot.network.posts.queries import get_surroundings_unscoped, list_account_post_ids, list_posts_by_ids_unscoped
from folkmoot.web.moderate.masking import Masks, masks_for

_MIN_DECIDED = 2  # decided reports of a reporter before their record is shown


class AnonymousPost(msgspec.Struct, frozen=True, kw_only=True):
    """A post with masked texts, and a letter instead of the author's name (empty: the reported author)."""

    post: Post
    letter: str


class Reason(NamedTuple):
    """What reporters say is wrong: the number of a rule, or (0) a category of the client API."""

    number: int
    category: Category

    @property
    def near(self) -> int:
        """The number of the rule that it names or stands for; 0 for none."""
        if not self.number and self.category in (Category.SPAM, Category.LEGAL):
            return current().clause(CLAUSE_OF[self.category]).number
        return self.number


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary of the reports of a case. `reasons`: each with the number of reporters who gave it, the most frequent first."""

    reporters: int
    mostly_right: int
    mostly_wrong: int
    reasons: list[tuple[Reason, int]]
    comments: list[str]


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of a case shows."""

    case: Case
    author: Account
    before: list[AnonymousPost]
    subject: AnonymousPost | None
    after: list[AnonymousPost]
    recent_posts: list[AnonymousPost]  # of a reported account: its newest public posts
    profile_key: str  # of a reported account: the hash of its current profile text
    signals: list[Signal]
    reports: ReportSummary
    appeal_reasons: list[str]  # the reasons that the appellants gave
    breaches: list[Verdict]
    kept_count: int
    journal: list[Entry]
    verdict: Verdict | None
    is_earlier_text: bool  # on appeal: the text that was decided about, which the author has edited since

    @property
    def is_hidden(self) -> bool:
        return self.subject is not None and self.subject.post.effect >= PostEffect.HIDDEN

    @property
    def text_edited_at(self) -> datetime | None:
        """The version of the post's text, which a verdict refers to."""
        return self.subject.post.edited_at if self.subject else None


async def load_case_view(conn: ReadConn, case: Case) -> CaseView:
    """Takes at most thirteen statements."""
    author = await get_account(conn, case.account_id)
    is_post = case.subject is Subject.POST
    around = await get_surroundings_unscoped(conn, case.subject_id) if is_post else None
    recent = [] if is_post else list((await list_posts_by_ids_unscoped(
        conn, await list_account_post_ids(conn, case.account_id, None, Page(limit=5), without_boosts=True)
    )).values())
    profiles = [] if is_post else await list_profile_texts_unscoped(conn, [case.account_id])
    earlier = await list_cases_of_account(conn, case.account_id, case.id)
    if case.is_appeal:  # another verdict on the same subject would reveal the first one
        earlier = [one for one in earlier if (one.subject, one.subject_id) != (case.subject, case.subject_id)]
    verdicts = await list_verdicts_of_cases(conn, [case.id, *(one.id for one in earlier)])
    known = [verdicts[one.id] for one in earlier if one.id in verdicts and verdicts[one.id].id != case.appealed_verdict_id]
    settled = [verdict for verdict in known if verdict.settled_at and not verdict.overturned_by_id]
    posts = [post for post in (*around.before, around.post, *around.after) if post] if around else recent
    masks = masks_for(author.acct, posts)
    subject = around.post if around else None
    decided_text = await find_decided_text_unscoped(conn, case.appealed_verdict_id) if case.appealed_verdict_id else None
    if subject and decided_text:
        subject = msgspec.structs.replace(subject, text=decided_text[0], cover=decided_text[1])
    appeals = await list_appeals_of_case(conn, case.id) if case.is_appeal else []
    return CaseView(
        case=case, author=author,
        before=[_anonymise(post, masks) for post in around.before] if around else [],
        subject=_anonymise(subject, masks) if subject else None,
        after=[_anonymise(post, masks) for post in around.after] if around else [],
        recent_posts=[_anonymise(post, masks) for post in recent],
        profile_key=profiles[0].key if profiles else "",
        signals=_newest(await list_signals(conn, [case.id]), masks),
        reports=_summarise(await list_anonymous_reports(conn, case.id), (await count_reporters(conn, [case.id])).get(case.id, 0), masks),
        appeal_reasons=[masks.mask(appeal.reason) for appeal in appeals if appeal.reason],
        breaches=[verdict for verdict in settled if verdict.action is not Action.KEEP],
        kept_count=len([verdict for verdict in settled if verdict.action is Action.KEEP]),
        journal=await list_case_entries(conn, case.id),
        verdict=verdicts.get(case.id),
        is_earlier_text=decided_text is not None,
    )


async def find_undoable(conn: ReadConn, moderator_id: int) -> Verdict | None:
    """The moderator's last verdict, while it can be undone."""
    last = await find_last_of_moderator(conn, moderator_id)
    return last if last and not last.settled_at and clock.now() < last.undo_until else None


def _anonymise(post: Post, masks: Masks) -> AnonymousPost:
    return AnonymousPost(post=masks.mask_post(post), letter=masks.letter_of(post.author.acct))


def _newest(signals: list[Signal], masks: Masks) -> list[Signal]:
    """The newest signal of each detector about the newest examined text."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if (signal.edited_at, signal.words) == (signals[0].edited_at, signals[0].words):
            found.setdefault(signal.detector, msgspec.structs.replace(signal, reasons=tuple(map(masks.mask, signal.reasons))))
    return list(found.values())


def _summarise(reports: list[AnonymousReport], reporters: int, masks: Masks) -> ReportSummary:
    given = {(reason, report.reporter) for report in reports for reason in _reasons(report)}
    counts = Counter(reason for reason, _ in given)
    known = {report.reporter: report for report in reports if report.decided >= _MIN_DECIDED}
    right = len([report for report in known.values() if 2 * report.right > report.decided])
    return ReportSummary(
        reporters=reporters, mostly_right=right, mostly_wrong=len(known) - right,
        reasons=sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])),
        comments=[masks.mask(report.comment) for report in reports if report.comment][:20],
    )


def _reasons(report: AnonymousReport) -> list[Reason]:
    if report.clauses:
        return [Reason(current().clause(key).number, Category.VIOLATION) for key in report.clauses]
    return [Reason(0, report.category)]
