"""Everything that those who decide see of a case, read from all nouns of moderation in a fixed number of statements.

A letter replaces the name of each account (`masking.py`). On appeal the first verdict is hidden,
with everything that would reveal it.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple

import msgspec

from folkmoot.base import clock
from folkmoot.base.db import ReadConn
from folkmoot.base.paging import Page
from folkmoot.moderation.appeals.queries import list_appeals_of_case
from folkmoot.moderation.cases.model import Case, Note, Subject
from folkmoot.moderation.cases.queries import list_cases_of_account, list_notes, list_others
from folkmoot.moderation.cases.teamwork import list_possible_deciders
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.detection.queries import list_signals
from folkmoot.moderation.detection.signals import Signal
from folkmoot.moderation.evidence.actions import read_subject
from folkmoot.moderation.evidence.model import Evidence, ProfileVersion, SubjectVersions
from folkmoot.moderation.evidence.queries import list_evidence
from folkmoot.moderation.journal.model import Entry, Step
from folkmoot.moderation.journal.queries import list_case_entries
from folkmoot.moderation.juries.model import Reason as PassedOn
from folkmoot.moderation.juries.queries import Progress, find_progress
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.notices.queries import list_notices_of_case
from folkmoot.moderation.reports.model import Category, clause_of_category
from folkmoot.moderation.reports.queries import count_reasons, count_reporters, list_anonymous_reports
from folkmoot.moderation.rules.model import rule_of_detector
from folkmoot.moderation.verdicts.alike import MOST_COUNTED
from folkmoot.moderation.verdicts.model import Action, Template, Verdict
from folkmoot.moderation.verdicts.precedents import Precedent, list_precedents
from folkmoot.moderation.verdicts.queries import count_alike, find_last_of_moderator, list_templates, list_verdicts_of_cases
from folkmoot.moderation.verdicts.together import MOST_OTHERS, can_be_joined
from folkmoot.moderation.workspace.masking import Masks, masks_for
from folkmoot.network.accounts.model import Account
from folkmoot.network.accounts.queries import get_account, list_accounts
from folkmoot.network.posts.model import Post, PostEffect
from folkmoot.network.posts.queries import Surroundings, get_surroundings, list_account_post_ids, list_posts_by_ids_unscoped
from folkmoot.network.posts.versions import PostVersion

_EXCERPT = 240  # characters of an earlier case
_MIN_DECIDED = 2  # decided reports of a reporter before their record is shown


class AnonymousPost(msgspec.Struct, frozen=True, kw_only=True):
    """A version of a post with masked texts, and a letter instead of the author's name (empty: the reported author)."""

    version: PostVersion
    letter: str
    reported_at: datetime | None = None
    decided_at: datetime | None = None


class Reason(NamedTuple):
    """What reporters say is wrong: the number of a rule, or (0) a category of the client API."""

    number: int
    category: Category

    @property
    def near(self) -> int:
        """The number of the rule that it names or stands for; 0 for none."""
        if not self.number and self.category in (Category.SPAM, Category.LEGAL):
            return clause_of_category(self.category, current()).number
        return self.number


class ReportSummary(msgspec.Struct, frozen=True, kw_only=True):
    """A summary of the reports of a case. `reasons`: each with the number of reporters who gave it, the most frequent first; `weeks`:
    how many reported in each, by its Monday."""

    reporters: int
    mostly_right: int
    mostly_wrong: int
    reasons: list[tuple[Reason, int]]
    weeks: list[tuple[date, int]]
    comments: list[str]


class CaseView(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that the page of a case shows."""

    case: Case
    author: Account
    before: list[AnonymousPost]
    versions: list[AnonymousPost]  # of the post, other than the present one: what was reported before an edit or deletion
    subject: AnonymousPost | None  # the post as it stands; None for an account, and for a deleted post
    after: list[AnonymousPost]
    profiles: list[Evidence]  # versions of a reported profile other than the present one
    present_profile: ProfileVersion | None
    recent_posts: list[AnonymousPost]  # of a reported account: its newest public posts
    is_deleted: bool
    is_hidden: bool
    language: str | None  # of the post
    seen_key: str  # which version is on the page: a decision refers to it
    seen_edited_at: datetime | None
    signals: list[Signal]
    notices: list[Notice]  # from outside, without their senders, with masked texts
    reports: ReportSummary
    appeal_reasons: list[str]  # the reasons that the appellants gave
    breaches: list[Verdict]
    strikes: int  # of these, how many still count
    kept_count: int
    journal: list[Entry]
    verdict: Verdict | None
    precedents: list[Precedent]  # the nearest settled decisions, with masked texts
    notes: list[tuple[Account | None, Note]]  # of moderators, with their author
    templates: list[Template]
    alike: int  # how many other posts have exactly the same words
    others: int  # how many open cases there are about other posts of the author, which could be decided together with this one
    deciders: list[Account]  # who may decide the case
    jury: Progress | None  # how far the jury is, or why there is none


async def load_case_view(conn: ReadConn, case: Case, moderator_id: int) -> CaseView:
    """Takes at most twenty-four statements, and two more for a post that was edited."""
    author = await get_account(conn, case.account_id)
    is_post = case.subject is Subject.POST
    subject = await read_subject(conn, case)
    present = subject.newest if isinstance(subject.newest, PostVersion) else None
    around = await get_surroundings(conn, case.subject_id, present.reply_to_id if present else None) if is_post else Surroundings([], [])
    recent = [] if is_post else list((await list_posts_by_ids_unscoped(
        conn, await list_account_post_ids(conn, case.account_id, None, Page(limit=5), without_boosts=True)
    )).values())
    earlier = await list_cases_of_account(conn, case.account_id, case.id)
    if case.is_appeal:  # another verdict on the same subject would reveal the first one
        earlier = [one for one in earlier if (one.subject, one.subject_id) != (case.subject, case.subject_id)]
    verdicts = await list_verdicts_of_cases(conn, [case.id, *(one.id for one in earlier)])
    known = [verdicts[one.id] for one in earlier if one.id in verdicts and verdicts[one.id].id != case.appealed_verdict_id]
    settled = [verdict for verdict in known if verdict.settled_at and not verdict.overturned_by_id]
    evidence = _all_versions(await list_evidence(conn, case.id), subject)
    masks = masks_for(author.acct, [*around.before, *around.after, *recent])
    posts = [_anonymise_version(one, one.version, masks) for one in evidence if isinstance(one.version, PostVersion)]
    is_standing = present is not None and not subject.is_deleted
    appeals = await list_appeals_of_case(conn, case.id) if case.is_appeal else []
    notes = await list_notes(conn, case.id)
    writers = await list_accounts(conn, list({note.author_id for note in notes})) if notes else {}
    nearest = await list_precedents(conn, case, moderator_id, subject.newest)
    return CaseView(
        case=case, author=author,
        before=[_anonymise(post, masks) for post in around.before],
        versions=posts[:-1] if is_standing else posts,
        subject=posts[-1] if is_standing else None,
        after=[_anonymise(post, masks) for post in around.after],
        profiles=[one for one in evidence[:-1] if isinstance(one.version, ProfileVersion)],
        present_profile=subject.newest if isinstance(subject.newest, ProfileVersion) else None,
        recent_posts=[_anonymise(post, masks) for post in recent],
        is_deleted=subject.is_deleted, is_hidden=subject.effect >= PostEffect.HIDDEN, language=present.language if present else None,
        seen_key=subject.newest.key if subject.newest else "", seen_edited_at=present.edited_at if present else None,
        notices=[_without_sender(one, masks) for one in await list_notices_of_case(conn, case.id)],
        signals=_newest(await list_signals(conn, [case.id]), masks),
        reports=await _summarise(conn, case.id, masks),
        appeal_reasons=[masks.mask(appeal.reason) for appeal in appeals if appeal.reason],
        breaches=[verdict for verdict in settled if verdict.action is not Action.KEEP],
        strikes=len([verdict for verdict in settled if verdict.is_strike(clock.now())]),
        kept_count=len([verdict for verdict in settled if verdict.action is Action.KEEP]),
        journal=_without_replacements(await list_case_entries(conn, case.id)),
        verdict=verdicts.get(case.id),
        precedents=[Precedent(one.verdict, _excerpt(masks.mask(one.text))) for one in nearest],
        notes=[(writers.get(note.author_id), note) for note in notes],
        alike=await _count_alike(conn, case, present), templates=await list_templates(conn),
        others=len(await list_others(conn, case, moderator_id, clock.now(), MOST_OTHERS)) if can_be_joined(case) else 0,
        deciders=await list_possible_deciders(conn, case), jury=await _find_jury(conn, case),
    )


async def find_undoable(conn: ReadConn, moderator_id: int) -> Verdict | None:
    """The moderator's last verdict, while it can be undone."""
    last = await find_last_of_moderator(conn, moderator_id)
    return last if last and not last.settled_at and clock.now() < last.undo_until else None


async def _find_jury(conn: ReadConn, case: Case) -> Progress | None:
    """On appeal without the reason that would reveal the first verdict."""
    found = await find_progress(conn, case.id, clock.now())
    return None if found and case.is_appeal and found.reason is PassedOn.AUTHOR else found


async def _count_alike(conn: ReadConn, case: Case, present: PostVersion | None) -> int:
    """0 for an appeal, which is about one decision, and for posts that are not compared."""
    if present is None or case.is_appeal or present.pictures or present.poll_titles:
        return 0
    return await count_alike(conn, present, case.subject_id, MOST_COUNTED)


def _without_replacements(entries: Sequence[Entry]) -> list[Entry]:
    """Without the draws of a jury after the first: their times tell when a juror declined, or was found to know somebody. Whoever mutes one
    member after the other would find out who sits."""
    first = next((entry.id for entry in entries if entry.kind == Step.JURY_DRAWN), None)
    return [entry for entry in entries if entry.kind != Step.JURY_DRAWN or entry.id == first]


def _excerpt(text: str) -> str:
    return text if len(text) <= _EXCERPT else text[:_EXCERPT].rstrip() + "…"


def _all_versions(kept: list[Evidence], subject: SubjectVersions) -> list[Evidence]:
    """The evidence together with the versions that are still there, oldest first, the present one last."""
    found = {one.version.key: one for one in kept}
    for version in subject.versions:
        found.setdefault(version.key, Evidence(version=version, reported_at=None, decided_at=None))
    present = subject.newest.key if subject.newest else ""
    return sorted(found.values(), key=lambda one: (one.version.key == present, one.version.stood_from))


def _without_sender(notice: Notice, masks: Masks) -> Notice:
    return msgspec.structs.replace(notice, name="", email="", reason=masks.mask(notice.reason))


def _anonymise(post: Post, masks: Masks) -> AnonymousPost:
    return AnonymousPost(version=masks.mask_version(PostVersion.of(post)), letter=masks.letter_of(post.author.acct))


def _anonymise_version(evidence: Evidence, version: PostVersion, masks: Masks) -> AnonymousPost:
    return AnonymousPost(
        version=masks.mask_version(version), letter="", reported_at=evidence.reported_at, decided_at=evidence.decided_at
    )


def _newest(signals: list[Signal], masks: Masks) -> list[Signal]:
    """The newest signal of each detector about the newest examined text, and of each rule about the author."""
    found: dict[str, Signal] = {}
    examined = next((signal for signal in signals if signal.account_id is None or not rule_of_detector(signal.detector)), None)
    for signal in signals:
        is_about_author = signal.account_id is not None and rule_of_detector(signal.detector) is not None
        if is_about_author or (examined and (signal.edited_at, signal.words) == (examined.edited_at, examined.words)):
            found.setdefault(signal.detector, msgspec.structs.replace(signal, reasons=tuple(map(masks.mask, signal.reasons))))
    return list(found.values())


async def _summarise(conn: ReadConn, case_id: int, masks: Masks) -> ReportSummary:
    reports, counts = await list_anonymous_reports(conn, case_id), await count_reasons(conn, case_id)
    known = {report.reporter: 2 * report.right - report.decided for report in reports if report.decided >= _MIN_DECIDED}
    right, wrong = sum(more > 0 for more in known.values()), sum(more < 0 for more in known.values())
    reasons = [(_reason(clause, category), times) for clause, category, times in counts.reasons]
    return ReportSummary(
        reporters=(await count_reporters(conn, [case_id])).get(case_id, 0), mostly_right=right, mostly_wrong=wrong,
        reasons=sorted(reasons, key=lambda pair: (-pair[1], pair[0])), weeks=counts.weeks,
        comments=[masks.mask(report.comment) for report in reports if report.comment][:20],
    )


def _reason(clause: str | None, category: Category) -> Reason:
    return Reason(clause_of(clause).number, Category.VIOLATION) if clause else Reason(0, category)
