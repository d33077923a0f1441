"""Reaches verdicts, undoes them within half a minute, and settles them: then everybody concerned is notified."""

from datetime import timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.base.errors import TEXT_TOO_LONG, Conflict, FieldError, Forbidden, Invalid
from folkmoot.base.text import clean, count_characters
from folkmoot.moderation.cases.actions import mark_decided, reopen_case, withdraw_cases
from folkmoot.moderation.cases.model import Case, Seat, State, Subject
from folkmoot.moderation.cases.policy import Concerned, require_moderator
from folkmoot.moderation.cases.queries import can_be_decided, find_open_case, is_concerned, lock_case
from folkmoot.moderation.clauses.published import current, policy_of
from folkmoot.moderation.detection.queries import list_signals
from folkmoot.moderation.evidence.actions import keep_decided, mark_outliving, read_subject
from folkmoot.moderation.evidence.model import SubjectVersions
from folkmoot.moderation.holds.actions import place_hold
from folkmoot.moderation.holds.model import PRESERVED_AFTER_ORDER, Ground
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.notices.queries import has_removal_order, list_noticed
from folkmoot.moderation.proposals.actions import drop_proposals
from folkmoot.moderation.reports.actions import tell_outcome
from folkmoot.moderation.reports.queries import count_reporters, reset_told
from folkmoot.moderation.restrictions import queries as restrictions
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction, restore_restriction
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.actions import tell_lifted, tell_statement
from folkmoot.moderation.statements.queries import list_statements_of_verdict, list_told_and_lifted_by
from folkmoot.moderation.verdicts import queries
from folkmoot.moderation.verdicts.model import (
    ALSO,
    LONGEST_EXPLANATION,
    MOST_DAYS,
    STRIKE_LASTS,
    UNDO_LASTS,
    Action,
    Decider,
    Decision,
    Settle,
    Verdict,
    VerdictReached,
    VerdictSettled,
    measures_of,
)
from folkmoot.moderation.verdicts.templates import find_blank
from folkmoot.network.posts.versions import PostVersion
from folkmoot.network.sessions.model import Viewer

SETTLE = "verdicts.settle"


async def decide_case(tx: WriteTx, moderator: Viewer, case_id: int, decision: Decision) -> Verdict:
    """A moderator decides a case whose seat they hold: see `reach_verdict`.

    Raises Concerned for a moderator who is barred by now, Conflict when the lease has expired, the case is decided, or the
    text was changed since it was shown; Invalid.
    """
    require_moderator(moderator)
    case = await lock_case(tx, case_id)
    if case.state is not State.OPEN:
        raise Conflict("This case has been decided already, so nothing is left to do. Thank you for looking at it.")
    if await is_concerned(tx, moderator.id, case.id):
        raise Concerned
    seat = case.seat_of(moderator.id, clock.now())
    if seat is None:
        raise Conflict("Your time for this case has run out, or somebody else has taken it. Please open it again.")
    return await reach_verdict(tx, Decider.person(moderator.id), case, decision, seat)


async def reach_verdict(
    tx: WriteTx, decider: Decider, case: Case, decision: Decision, *seats: Seat, batch_id: int | None = None
) -> Verdict:
    """Decides a case, whose row is locked, and applies the decision in the same transaction. `seats`: those of the
    deciders; `batch_id`: the verdict that this one repeats.

    On appeal the same finding confirms the first verdict; another one replaces it. Writes verdict.reached to the journal,
    emits it, and enqueues the settlement for half a minute later. Raises Invalid, and Conflict when the case is decided or
    the text was changed since it was shown.
    """
    subject = await _read_same_text(tx, case, decision)
    action = _checked(case, decision, is_deleted=subject.is_deleted)

    now = clock.now()
    policy = policy_of(decision.clause or case.clause)
    clause = policy.clause(decision.clause or case.clause)
    measures = measures_of(action, [Kind(kind) for kind in decision.also], case.subject)
    verdict = Verdict(
        id=ids.make_id(ids.shard_of(case.account_id), now), case_id=case.id, decider=decider, action=action, clause=clause.key,
        policy=policy.version, explanation=clean(decision.explanation),
        until=now + timedelta(days=decision.days) if any(kind.is_timed for kind in measures) else None, made_at=now, measures=measures,
        batch_id=batch_id,
    )
    await queries.insert_verdict(tx, verdict)
    if subject.newest:
        await keep_decided(tx, case, subject.newest)
    await mark_decided(tx, case, *seats)
    await record_step(tx, Step.VERDICT_REACHED, case_id=case.id, actor_id=decider.account_id,
                      verdict=verdict.id, decider=decider.kind, action=action, measures=list(measures),
                      clause=clause.key, policy=verdict.policy, batch=batch_id)
    for restriction in await restrictions.list_in_force(tx, case.subject, case.subject_id):
        if restriction.is_interim:
            await lift_restriction(tx, restriction, by_verdict_id=verdict.id)
    if not await _confirms_first(tx, case, verdict):
        for kind in measures:
            until = now + STRIKE_LASTS if kind is Kind.WARN else verdict.until if kind.is_timed else None
            await impose_restriction(tx, case, kind, clause, verdict_id=verdict.id, explanation=verdict.explanation, until=until)

    tx.tell(VerdictReached(verdict_id=verdict.id, case_id=case.id))
    tx.enqueue(SETTLE, Settle(verdict.id), delay=UNDO_LASTS)
    return verdict


async def undo_verdict(tx: WriteTx, moderator: Viewer, verdict_id: int) -> Case:
    """Undoes the moderator's own verdict before anybody was notified: restores the previous state and opens the case again.

    Allowed also to a moderator who is barred by now, because undoing decides nothing. Writes verdict.undone to the journal.
    Raises Forbidden for a verdict of another decider, Conflict when it is too late.
    """
    require_moderator(moderator)
    verdict = await queries.lock_verdict(tx, verdict_id)
    if verdict.decider != Decider.person(moderator.id):
        raise Forbidden
    case = await lock_case(tx, verdict.case_id)
    if verdict.undone_at:
        raise Conflict("This decision does not stand any more.")
    if verdict.settled_at or clock.now() > verdict.undo_until:
        raise Conflict("It is too late to take this back. As long as nobody has appealed, you can reverse the decision, with a reason.")
    if not case.is_appeal and await find_open_case(tx, case.subject, case.subject_id):
        raise Conflict("A new report has come in meanwhile. Please decide about it.")
    await _undo(tx, moderator, verdict, case)
    return case


async def undo_repeated(tx: WriteTx, moderator: Viewer, verdict: Verdict) -> None:
    """Undoes a repetition of a verdict that was undone; withdraws its case if nobody has pointed it out. A repetition stays if its
    post was reported again meanwhile."""
    case = await lock_case(tx, verdict.case_id)
    if verdict.settled_at or verdict.undone_at or await find_open_case(tx, case.subject, case.subject_id):
        return
    await _undo(tx, moderator, verdict, case)
    case = await lock_case(tx, case.id)
    if case.state is State.OPEN and not await _is_pointed_out(tx, case.id):
        await withdraw_cases(tx, [case])


async def _is_pointed_out(tx: WriteTx, case_id: int) -> bool:
    """Whether a report, a notice or a signal has joined a case."""
    return bool(await count_reporters(tx, [case_id]) or await list_noticed(tx, [case_id]) or await list_signals(tx, [case_id]))


async def _undo(tx: WriteTx, moderator: Viewer, verdict: Verdict, case: Case) -> None:
    lifted = await restrictions.list_lifted_by(tx, verdict.id)
    for restriction in await restrictions.list_of_verdict(tx, verdict.id):
        await lift_restriction(tx, restriction, by_verdict_id=verdict.id)
    for restriction in lifted:
        await restore_restriction(tx, restriction)
    if case.appealed_verdict_id:
        await queries.update_overturned(tx, case.appealed_verdict_id, None)
    await queries.update_undone(tx, verdict.id, clock.now())
    await drop_proposals(tx, verdict.id, moderator.id)
    await reopen_case(tx, case)
    await record_step(tx, Step.VERDICT_UNDONE, case_id=case.id, actor_id=moderator.id, verdict=verdict.id)
    was_reversal = case.appealed_verdict_id is not None and not await queries.was_appealed(tx, case.appealed_verdict_id)
    if was_reversal or not await can_be_decided(tx, case.subject, case.subject_id):  # deleted meanwhile, with its account
        await withdraw_cases(tx, [await lock_case(tx, case.id)])


async def settle_verdict(tx: WriteTx, verdict_id: int) -> None:
    """Notifies the author and the reporters of a verdict, unless it was undone. A second call does nothing.

    Writes verdict.settled to the journal and emits it.
    """
    verdict = await queries.lock_verdict(tx, verdict_id)
    if verdict.settled_at or verdict.undone_at:
        return
    case = await lock_case(tx, verdict.case_id)
    await queries.update_settled(tx, verdict.id, clock.now())
    statements = await list_statements_of_verdict(tx, verdict.id)
    for statement in statements:
        await tell_statement(tx, statement)
    replaced = {Kind(statement.kind).subject for statement in statements}
    for statement in await list_told_and_lifted_by(tx, verdict.id):
        if Kind(statement.kind).subject not in replaced:  # without a new restriction in its place
            await tell_lifted(tx, statement)
    first_case_id = await queries.get_first_case_id(tx, case.id)
    if case.is_appeal and await queries.has_overturned(tx, verdict.id):
        await reset_told(tx, first_case_id)
    await tell_outcome(tx, first_case_id)
    await _preserve_ordered(tx, case, verdict)
    await record_step(tx, Step.VERDICT_SETTLED, case_id=case.id, verdict=verdict.id, action=verdict.action, clause=verdict.clause)
    tx.tell(VerdictSettled(verdict_id=verdict.id, case_id=case.id, appealed_verdict_id=case.appealed_verdict_id))


async def _preserve_ordered(tx: WriteTx, case: Case, verdict: Verdict) -> None:
    """Keeps for six months what nobody can read any more because of a removal order of an authority, also if that was decided on appeal
    only (Regulation 2021/784 Art. 6(1))."""
    is_gone = Kind.REMOVE in verdict.measures or Kind.HIDE in verdict.measures
    if is_gone and await has_removal_order(tx, await queries.get_first_case_id(tx, case.id)):
        until = clock.now() + PRESERVED_AFTER_ORDER
        await place_hold(tx, case, Ground.REMOVAL_ORDER, until=until)
        await mark_outliving(tx, case)


async def _confirms_first(tx: WriteTx, case: Case, verdict: Verdict) -> bool:
    """On appeal: whether this verdict confirms the first one. If not, the restrictions of the first one are lifted."""
    if case.appealed_verdict_id is None:
        return False
    first = await queries.lock_verdict(tx, case.appealed_verdict_id)
    if first.is_confirmed_by(verdict):
        return True
    for restriction in await restrictions.list_of_verdict(tx, first.id):
        await lift_restriction(tx, restriction, by_verdict_id=verdict.id)
    await queries.update_overturned(tx, first.id, verdict.id)
    await drop_proposals(tx, first.id, verdict.decider.account_id)
    return False


def _checked(case: Case, decision: Decision, *, is_deleted: bool) -> Action:
    errors = []
    if decision.action not in list(Action) or not Action(decision.action).fits(case.subject, is_deleted=is_deleted):
        errors.append(FieldError("action", "inclusion", "Please choose what should be done."))
    elif decision.action != Action.KEEP and decision.clause not in [clause.key for clause in current().clauses]:
        errors.append(FieldError("clause", "inclusion", "Please say which rule is broken."))
    if set(decision.also) - set(ALSO) or (decision.also and (decision.action == Action.KEEP or case.subject is Subject.ACCOUNT)):
        errors.append(FieldError("also", "inclusion", "Nothing can be added to this decision."))
    if decision.clause and decision.clause not in [clause.key for clause in current().clauses]:
        errors.append(FieldError("clause", "inclusion", "There is no such rule."))
    if count_characters(decision.explanation) > LONGEST_EXPLANATION:
        errors.append(FieldError("explanation", "too_long", TEXT_TOO_LONG, {"limit": LONGEST_EXPLANATION}))
    if blank := find_blank(decision.explanation):
        errors.append(FieldError(
            "explanation", "incomplete", "Please fill in what stands in braces, or remove it: %(blank)s", {"blank": blank}
        ))
    if not 1 <= decision.days <= MOST_DAYS:
        errors.append(FieldError("days", "inclusion", "Please choose between 1 and %(limit)d days.", {"limit": MOST_DAYS}))
    if errors:
        raise Invalid(*errors)
    return Action(decision.action)


async def _read_same_text(tx: WriteTx, case: Case, decision: Decision) -> SubjectVersions:
    """What the case is about. Raises Conflict when it is not what the moderator has read."""
    if case.subject is Subject.POST:
        await restrictions.lock_post(tx, case.subject_id)
    subject = await read_subject(tx, case)
    if subject.newest is None:
        raise Conflict("This account no longer exists." if case.subject is Subject.ACCOUNT else "The author has deleted this post.")
    is_same = decision.seen_words in (None, subject.newest.key)
    if isinstance(subject.newest, PostVersion):
        if not is_same or subject.newest.edited_at != decision.seen_edited_at:
            raise Conflict("The author has edited this post in the meantime. Please look again.")
    elif not is_same:
        raise Conflict("This profile has been changed in the meantime. Please look again.")
    return subject
