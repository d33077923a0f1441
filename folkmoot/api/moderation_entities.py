"""Fills the wire shapes of the room of moderators."""

from collections.abc import Iterable
from datetime import datetime

from folkmoot.api import moderation_shapes as shapes
from folkmoot.api.words import moment
from folkmoot.base import clock
from folkmoot.base.errors import Malformed
from folkmoot.base.ids import parse_id
from folkmoot.http.urls import Urls
from folkmoot.moderation.cases.model import Case, Lane, Note
from folkmoot.moderation.clauses.published import clause_of, current
from folkmoot.moderation.evidence.model import ProfileVersion
from folkmoot.moderation.notices.model import Notice
from folkmoot.moderation.verdicts.model import Action, Verdict
from folkmoot.moderation.workspace.case_view import AnonymousPost, CaseView, ReportSummary
from folkmoot.moderation.workspace.joining import Joinable
from folkmoot.moderation.workspace.statistics import Figures, OpenCases
from folkmoot.network.accounts.model import Account

_LANES: dict[Lane, shapes.Lane] = {Lane.DEMAND: "demand", Lane.THREAT: "threat", Lane.OTHER: "other"}


def rule(clause: str) -> str:
    return str(clause_of(clause).number)


def clause_key(number: str) -> str:
    """The key of a numbered clause; an unknown number stays as it is, and is refused later as an unknown key. Empty for none."""
    clause = current().numbered(int(number)) if number.isdecimal() and len(number) < 9 else None
    return clause.key if clause else number


def version_of(key: str | None, edited_at: datetime | None) -> str:
    return f"{key or ''}@{edited_at.isoformat() if edited_at else ''}"


def seen(version: str) -> tuple[str | None, datetime | None]:
    """(key, time of the last edit) of the version that a decision is about. Raises Malformed."""
    key, _, edited_at = version.partition("@")
    try:
        return key or None, datetime.fromisoformat(edited_at) if edited_at else None
    except ValueError as error:
        raise Malformed("%(name)s is not valid", name="version") from error


def choice(text: str) -> tuple[int, str]:
    """(case, version) of a case that is decided together with another one."""
    number, _, version = text.partition(":")
    return parse_id(number) or 0, version


def other(one: Joinable, viewer_id: int, urls: Urls) -> shapes.OtherCase:
    joined = one.joined
    return shapes.OtherCase(
        case=case(one.case, viewer_id), choice=f"{joined.case_id}:{version_of(joined.seen_words, joined.seen_edited_at)}",
        text=_text("present", AnonymousPost(version=one.version, letter=""), urls),
    )


def case(one: Case, viewer_id: int) -> shapes.ModeratedCase:
    now = clock.now()
    own = one.seat_of(viewer_id, now)
    return shapes.ModeratedCase(
        id=str(one.id), subject=one.subject.value, state=one.state.value, lane=_LANES[one.lane],
        rule=None if one.is_appeal else rule(one.clause), is_appeal=one.is_appeal, is_confirmed=one.is_confirmed,
        opened_at=moment(one.opened_at), due_at=moment(one.due_at), held_until=moment(own.leased_until) if own else None,
        is_held_by_other=one.is_held(now) and own is None, is_assigned_to_you=one.assigned_to_id == viewer_id,
    )


def verdict(one: Verdict) -> shapes.CaseVerdict:
    return shapes.CaseVerdict(
        id=str(one.id), case_id=str(one.case_id), action=one.action, measures=list(one.measures), rule=rule(one.clause),
        until=moment(one.until) if one.until else None, made_at=moment(one.made_at), undo_until=moment(one.undo_until),
    )


def colleague(account: Account) -> shapes.Colleague:
    return shapes.Colleague(id=str(account.id), username=account.username, display_name=account.name)


def note(author: Account | None, one: Note) -> shapes.CaseNote:
    return shapes.CaseNote(
        id=str(one.id), author=colleague(author) if author else None, text=one.text, written_at=moment(one.written_at)
    )


def details(view: CaseView, viewer_id: int, urls: Urls) -> shapes.CaseDetails:
    return shapes.CaseDetails(
        case=case(view.case, viewer_id), version=version_of(view.seen_key, view.seen_edited_at),
        actions=[one.value for one in Action if one.fits(view.case.subject, is_deleted=view.is_deleted)],
        texts=list(_texts(view, urls)), profiles=list(_profiles(view, urls)), is_deleted=view.is_deleted, is_hidden=view.is_hidden,
        author=shapes.CaseAuthor(
            here_since=view.author.created_at.date().isoformat(), posts=view.author.counts.posts,
            breaches=[verdict(one) for one in view.breaches], strikes=view.strikes, kept=view.kept_count,
        ),
        signals=[shapes.CaseSignal(
            detector=one.detector, version=one.version, rule=rule(one.clause), is_hiding=one.is_hiding, reasons=list(one.reasons),
            cues=list(one.cues), created_at=moment(one.created_at),
        ) for one in view.signals],
        reports=_reports(view.reports), notices=[_notice(one) for one in view.notices], appeals=view.appeal_reasons,
        precedents=[shapes.CasePrecedent(text=one.text, verdict=verdict(one.verdict)) for one in view.precedents],
        notes=[note(author, one) for author, one in view.notes],
        steps=[shapes.CaseStep(kind=one.kind, at=moment(one.at)) for one in view.journal],
        verdict=verdict(view.verdict) if view.verdict else None, alike=view.alike, others=view.others,
        deciders=[colleague(one) for one in view.deciders],
        jury=shapes.CaseJury(
            state=view.jury.state.value, reason=view.jury.reason, asked=view.jury.asked, answered=view.jury.answered
        ) if view.jury else None,
    )


def _texts(view: CaseView, urls: Urls) -> Iterable[shapes.CaseText]:
    yield from (_text("before", one, urls) for one in view.before)
    for one in view.versions:
        yield _text("reported" if one.reported_at else "decided" if one.decided_at else "earlier", one, urls)
    if view.subject:
        yield _text("present", view.subject, urls)
    yield from (_text("after", one, urls) for one in view.after)
    yield from (_text("recent", one, urls) for one in view.recent_posts)


def _text(part: shapes.Part, one: AnonymousPost, urls: Urls) -> shapes.CaseText:
    version, quoted = one.version, one.version.quoted
    return shapes.CaseText(
        part=part, letter=one.letter, text=version.text, cover=version.cover, answers=list(version.poll_titles),
        pictures=[_picture(urls, one.key, one.description, one.mime) for one in version.pictures],
        quote=shapes.CaseQuote(letter=quoted.acct, text=quoted.text, cover=quoted.cover) if quoted else None,
        language=version.language, created_at=moment(version.created_at),
        edited_at=moment(version.edited_at) if version.edited_at else None,
    )


def _profiles(view: CaseView, urls: Urls) -> Iterable[shapes.CaseProfile]:
    for one in view.profiles:
        if isinstance(one.version, ProfileVersion):
            yield _profile("reported" if one.reported_at else "decided" if one.decided_at else "earlier", one.version, urls)
    if view.present_profile:
        yield _profile("present", view.present_profile, urls)


def _profile(part: shapes.ProfilePart, one: ProfileVersion, urls: Urls) -> shapes.CaseProfile:
    pictures = ((one.avatar_key, one.avatar_description), (one.header_key, one.header_description))
    return shapes.CaseProfile(
        part=part, username=one.username, display_name=one.display_name, bio=one.bio, fields=[list(field) for field in one.fields],
        pictures=[_picture(urls, key, words) for key, words in pictures if key],
    )


def _picture(urls: Urls, key: str, description: str, mime: str = "image/png") -> shapes.CasePicture:
    return shapes.CasePicture(url=urls.picture(key, mime, is_preview=True), description=description)


def _reports(summary: ReportSummary) -> shapes.CaseReports:
    return shapes.CaseReports(
        reporters=summary.reporters, usually_right=summary.mostly_right, usually_wrong=summary.mostly_wrong,
        reasons=[shapes.ReportReason(rule=str(one.number) if one.number else None, category=one.category, reporters=times)
                 for one, times in summary.reasons],
        weeks=[shapes.ReportsOfWeek(start=monday.isoformat(), reporters=times) for monday, times in summary.weeks],
        comments=summary.comments,
    )


def _notice(one: Notice) -> shapes.CaseNotice:
    return shapes.CaseNotice(
        urgency=one.urgency.value, is_verified=one.contact_id is not None, is_address_confirmed=one.is_confirmed,
        reason=one.reason, received_at=moment(one.received_at), due_at=moment(one.due_at),
    )


def figures(one: Figures) -> shapes.PeriodFigures:
    return shapes.PeriodFigures(
        start=one.start.isoformat(), lane=None if one.lane is None else _LANES[one.lane], opened=one.opened, decided=one.decided,
        in_time=one.in_time, undone=one.undone, appeals=one.appeals, overturned=one.overturned, median=one.median, slowest=one.slowest,
    )


def open_lane(one: OpenCases) -> shapes.OpenLane:
    return shapes.OpenLane(
        lane=_LANES[one.lane], open=one.open, late=one.late, overdue=one.overdue, oldest_at=moment(one.oldest_at),
        next_due_at=moment(one.next_due_at),
    )
