"""What a moderator sees of a case: gathered from every noun of moderation, in a fixed number of statements.

Nobody is named before a decision: people are letters here, also where a text mentions them. On a second look what was
decided before stays out of sight, with everything that would betray it.
"""

import re
from datetime import datetime

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.queries import list_appeals_of_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.queries import list_cases_of_account
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.detection.queries import list_profiles_unscoped, list_signals
from folkmoot.moderation.detection.signals import Signal
from folkmoot.moderation.journal.model import Entry
from folkmoot.moderation.journal.queries import list_case_entries
from folkmoot.moderation.reports.model import AnonymousReport
from folkmoot.moderation.reports.queries import count_reports, list_anonymous_reports
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.verdicts.queries import find_decided_words_unscoped, find_last_of_moderator, list_standing
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account
from folkmoot.network.posts.model import Post, PostEffect
from folkmoot.network.posts.queries import get_surroundings_unscoped, list_account_post_ids, list_posts_by_ids_unscoped

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_MOSTLY = 2  # decided reports, before we say that somebody reports mostly right or mostly not


class Speech(msgspec.Struct, frozen=True, kw_only=True):
    """A post as it stands in a case: words, and a letter instead of a name (none: the author)."""

    post: Post
    letter: str
    text: str
    cover: str


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """The reports of a case together. `reasons`: how many named which rule (0: none)."""

    people: int
    mostly_right: int
    mostly_wrong: int
    reasons: list[tuple[int, int]]
    comments: list[str]


class Sight(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of a case shows."""

    case: Case
    author: Account
    before: list[Speech]
    subject: Speech | None
    after: list[Speech]
    others: list[Speech]  # of a reported account: its newest public posts
    profile_words: str  # of a reported account: names what its profile says now
    signals: list[Signal]
    reports: ReportSummary
    pleas: list[str]  # why those who appeal think that it was wrong
    breaches: list[Verdict]
    kept: int
    journal: list[Entry]
    verdict: Verdict | None
    is_earlier: bool  # on a second look: the words that were decided about, which the author has edited since

    @property
    def is_hidden(self) -> bool:
        return self.subject is not None and self.subject.post.effect >= PostEffect.HIDDEN

    @property
    def words_at(self) -> datetime | None:
        """Which words of the post these are: a verdict is about them."""
        return self.subject.post.edited_at if self.subject else None


async def see_case(conn: ReadConn, case: Case) -> Sight:
    """At most thirteen statements, whatever the case."""
    author = await get_account(conn, case.account_id)
    is_post = case.subject is Subject.POST
    around = await get_surroundings_unscoped(conn, case.subject_id) if is_post else None
    others = [] if is_post else list((await list_posts_by_ids_unscoped(
        conn, await list_account_post_ids(conn, case.account_id, None, Page(limit=5), without_boosts=True)
    )).values())
    profiles = [] if is_post else await list_profiles_unscoped(conn, [case.account_id])
    earlier = await list_cases_of_account(conn, case.account_id, case.id)
    if case.is_appeal:  # what was decided about the same thing would betray the first verdict
        earlier = [one for one in earlier if (one.subject, one.subject_id) != (case.subject, case.subject_id)]
    verdicts = await list_standing(conn, [case.id, *(one.id for one in earlier)])
    known = [verdicts[one.id] for one in earlier if one.id in verdicts and verdicts[one.id].id != case.appealed_verdict_id]
    settled = [verdict for verdict in known if verdict.settled_at and not verdict.overturned_by_id]
    posts = [post for post in (*around.before, around.post, *around.after) if post] if around else others
    people = _letters(posts, case.account_id)
    subject = around.post if around else None
    words = await find_decided_words_unscoped(conn, case.appealed_verdict_id) if case.appealed_verdict_id else None
    if subject and words:
        subject = msgspec.structs.replace(subject, text=words[0], cover=words[1])
    return Sight(
        case=case, author=author,
        before=[_speech(post, people) for post in around.before] if around else [],
        subject=_speech(subject, people) if subject else None,
        after=[_speech(post, people) for post in around.after] if around else [],
        others=[_speech(post, people) for post in others],
        profile_words=profiles[0].key if profiles else "",
        signals=_newest(await list_signals(conn, [case.id])),
        reports=_together(await list_anonymous_reports(conn, case.id), (await count_reports(conn, [case.id])).get(case.id, 0)),
        pleas=[appeal.reason for appeal in await list_appeals_of_case(conn, case.id) if appeal.reason] if case.is_appeal else [],
        breaches=[verdict for verdict in settled if verdict.action is not Action.KEEP],
        kept=len([verdict for verdict in settled if verdict.action is Action.KEEP]),
        journal=await list_case_entries(conn, case.id),
        verdict=verdicts.get(case.id),
        is_earlier=words is not None,
    )


async def find_undoable(conn: ReadConn, moderator_id: int) -> Verdict | None:
    """The moderator's last verdict, while it can be taken back."""
    last = await find_last_of_moderator(conn, moderator_id)
    return last if last and not last.settled_at and clock.now() < last.undo_until else None


def _letters(posts: list[Post], author_id: int) -> dict[str, str]:
    """A letter for each who speaks or is spoken to, by handle; none for the author."""
    letters: dict[str, str] = {}
    for post in posts:
        for account_id, acct in [(post.author.id, post.author.acct), *((one.account_id, one.acct) for one in post.mentions)]:
            if account_id == author_id:
                letters[acct.lower()] = ""
            elif acct.lower() not in letters:
                letters[acct.lower()] = _LETTERS[len([letter for letter in letters.values() if letter]) % len(_LETTERS)]
    return letters


def _speech(post: Post, letters: dict[str, str]) -> Speech:
    letter = letters.get(post.author.acct.lower(), "")
    hidden = {mention.acct: letters.get(mention.acct.lower()) for mention in post.mentions}
    text = post.text
    for acct, other in hidden.items():
        if other is not None:
            name, _, domain = acct.partition("@")
            host = re.escape(domain) if domain else "[a-z0-9.:-]+"
            text = re.sub(rf"@{re.escape(name)}(@{host})?\b", f"@{other or '…'}", text, flags=re.IGNORECASE)
    return Speech(post=post, letter=letter, text=text, cover=post.cover)


def _newest(signals: list[Signal]) -> list[Signal]:
    """What detectors say of the newest words only: one each."""
    found: dict[str, Signal] = {}
    for signal in signals:
        if (signal.edited_at, signal.words) == (signals[0].edited_at, signals[0].words):
            found.setdefault(signal.detector, signal)
    return list(found.values())


def _together(reports: list[AnonymousReport], people: int) -> ReportSummary:
    counts: dict[int, int] = {}
    for report in reports:
        for number in [current().clause(key).number for key in report.clauses] or [0]:
            counts[number] = counts.get(number, 0) + 1
    known = [report for report in reports if report.decided >= _MOSTLY]
    right = len([report for report in known if 2 * report.right > report.decided])
    return ReportSummary(
        people=people, mostly_right=right, mostly_wrong=len(known) - right,
        reasons=sorted(counts.items(), key=lambda pair: -pair[1]), comments=[report.comment for report in reports if report.comment][:20],
    )
