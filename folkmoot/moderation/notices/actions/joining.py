"""Finds what a notice is about, and joins it to the case of each post and account."""

from collections.abc import Collection, Sequence

import msgspec

from folkmoot.base.db import ReadConn, WriteTx
from folkmoot.base.errors import NotFound
from folkmoot.moderation.cases.actions import bring_deadline_forward, estimate_case, open_case
from folkmoot.moderation.cases.model import Case, Subject
from folkmoot.moderation.cases.queries import lock_case, update_barred
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.evidence.actions import keep_reported
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices import queries
from folkmoot.moderation.notices.actions.removed import join_removed
from folkmoot.moderation.notices.intake import Intake
from folkmoot.moderation.notices.model import LIFECYCLE, Finding, Notice, Place, State, Urgency
from folkmoot.network.accounts.queries import find_account_by_name
from folkmoot.network.posts.model import Visibility
from folkmoot.network.posts.queries import find_deleted_unscoped
from folkmoot.network.sessions.addresses import email_key
from folkmoot.network.sessions.queries import find_login_by_email

_Subjects = dict[tuple[Subject, int], int]  # the author of each


async def join_cases(tx: WriteTx, intake: Intake, notice: Notice, by_staff: Collection[str] = ()) -> Notice:
    """Looks at each address again, and joins the case of each post and account there; returns the notice with its new state.

    A notice joins only what its sender can see: posts that can be read without an account. A verified contact may name any
    post, and so may a moderator: `by_staff` are the addresses from a moderator. Writes notice.joined to the journal.
    """
    known = {(place.subject, place.subject_id) for place in notice.places if place.finding is Finding.FOUND}
    addresses = [place.address for place in notice.places]
    places, subjects = await _find_places(tx, intake, addresses, addresses if notice.contact_id else by_staff, known)
    lost: set[tuple[Subject, int]] = set()
    for (subject, subject_id), account_id in sorted(subjects.items()):
        try:
            await _join(tx, notice, subject, subject_id, account_id)
        except NotFound:  # deleted in the same moment
            lost.add((subject, subject_id))
    found = [
        Place(place.address, Finding.UNKNOWN) if (place.subject, place.subject_id) in lost - known else place for place in places
    ]
    has_case = any(place.finding is Finding.FOUND for place in found)
    state = State.OPEN if has_case else State.UNREAD
    is_new = any((place.subject, place.subject_id) not in known for place in found if place.finding is Finding.FOUND)
    if notice.state is not state and (notice.state is not State.ANSWERED or is_new):
        notice = msgspec.structs.replace(notice, state=LIFECYCLE.step(notice.state, state))
    return msgspec.structs.replace(notice, places=tuple(found))


async def _join(tx: WriteTx, notice: Notice, subject: Subject, subject_id: int, account_id: int) -> None:
    """An unreliable notice neither confirms the case nor moves its deadline: nothing is hidden on its word alone."""
    clause = clause_of(notice.clause)
    before = await queries.find_joined_case(tx, notice.id, subject, subject_id)
    if subject is Subject.POST and notice.is_reliable and await join_removed(tx, notice, subject_id, before):
        return
    if before:
        case = await lock_case(tx, before)
        if case.closed_at is None and notice.is_reliable:
            await _rely_on(tx, notice, await open_case(tx, subject, subject_id, account_id, clause))
        return
    case = await open_case(tx, subject, subject_id, account_id, clause, is_confirmed=notice.is_reliable)
    await queries.insert_notice_case(tx, notice.id, case.id)
    await keep_reported(tx, case)
    case = await estimate_case(tx, case, clause, max(case.probability, notice.probability), barred_ids=await list_sender_ids(tx, notice))
    deleted = await find_deleted_unscoped(tx, subject_id) if subject is Subject.POST else None
    if deleted:
        await update_barred(tx, deleted.post_id, deleted.participant_ids)
    await record_step(tx, Step.NOTICE_JOINED, case_id=case.id, notice=notice.id, number=notice.number, urgency=notice.urgency,
                      reliable=notice.is_reliable, clause=clause.key)
    if notice.is_reliable:
        await _bring_forward(tx, notice, case)


async def _rely_on(tx: WriteTx, notice: Notice, case: Case) -> None:
    clause = clause_of(notice.clause)
    case = await estimate_case(tx, case, clause, max(case.probability, notice.probability), barred_ids=await list_sender_ids(tx, notice))
    await _bring_forward(tx, notice, case)


async def _bring_forward(tx: WriteTx, notice: Notice, case: Case) -> None:
    is_demanded = notice.contact_id is not None
    await bring_deadline_forward(
        tx, case, notice.due_at, is_demanded=is_demanded, is_ordered=is_demanded and notice.urgency is Urgency.ORDER
    )


async def list_sender_ids(conn: ReadConn, notice: Notice) -> tuple[int, ...]:
    """The account of the sender, if a member has this address. One that was not confirmed counts for nobody: anybody can give it."""
    login = await find_login_by_email(conn, email_key(notice.email)) if notice.email and notice.is_confirmed else None
    return (login.account_id,) if login else ()


async def _find_places(
    conn: ReadConn, intake: Intake, addresses: Sequence[str], seen: Collection[str], known: Collection[tuple[Subject | None, int | None]]
) -> tuple[list[Place], _Subjects]:
    """What stands at each address. `seen`: addresses whose post may be one that not everybody sees; `known`: found before."""
    named = {address: intake.own.read(address) for address in addresses}
    posts = await queries.list_posts_named(
        conn, [one.post_id for one in named.values() if one and one.post_id],
        [one.picture_key for one in named.values() if one and one.picture_key],
    )
    places: list[Place] = []
    subjects: _Subjects = {}
    for address, one in named.items():
        if one is None:
            places.append(Place(address, Finding.FOREIGN))
            continue
        post = posts.get(one.post_id or one.picture_key)
        found: tuple[Subject, int, int] | None = None
        if post and (post.visibility <= Visibility.UNLISTED or address in seen or (Subject.POST, post.post_id) in known):
            found = Subject.POST, post.post_id, post.account_id
        elif one.username and (account := await find_account_by_name(conn, one.username)):
            found = Subject.ACCOUNT, account.id, account.id
        if found is None:
            places.append(Place(address, Finding.UNKNOWN))
            continue
        subject, subject_id, author_id = found
        subjects[subject, subject_id] = author_id
        places.append(Place(address, Finding.FOUND, subject, subject_id))
    return places, subjects
