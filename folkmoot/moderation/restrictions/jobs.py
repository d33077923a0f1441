"""Subscribers and timed jobs of restrictions. `moderation/assembly.py` registers them."""

import logging

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.moderation.cases.model import CaseWithdrawn, State
from folkmoot.moderation.cases.queries import lock_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection.signals import SignalRaised
from folkmoot.moderation.restrictions import overdue, queries
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction, repair_effect
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.rules.actions import reason_for
from folkmoot.moderation.rules.model import rule_of_detector
from folkmoot.moderation.statements.actions import tell_statement
from folkmoot.network.sessions.queries import find_login

log = logging.getLogger(__name__)


async def hide_pending_review(database: Database, event: SignalRaised) -> None:
    """Imposes what a signal asks for until a moderator has decided: hides a post over the hide threshold, and covers it or limits
    its reach as a rule says. Its author is notified at once, in the words of the rule."""
    kinds = [Kind.HIDE] if event.is_hiding else [Kind(kind) for kind in event.measures]
    if not kinds or event.post_id is None:
        return
    async with database.write() as tx:
        case = await lock_case(tx, event.case_id)
        is_there, edited_at = await queries.lock_post_edited_at(tx, event.post_id)
        if case.state is not State.OPEN or not is_there or edited_at != event.edited_at:
            return  # an edited text is examined separately
        standing = {one.kind for one in await queries.list_in_force(tx, case.subject, case.subject_id) if one.is_interim}
        for kind in kinds:
            if not standing & {kind, Kind.HIDE}:
                statement = await impose_restriction(
                    tx, case, kind, clause_of(event.clause), explanation=await _reason_of_rule(tx, event, case.account_id)
                )
                await tell_statement(tx, statement)


async def _reason_of_rule(tx: WriteTx, event: SignalRaised, account_id: int) -> str:
    """What a rule tells the author, in their language; empty for a detector."""
    if not rule_of_detector(event.detector):
        return ""
    login = await find_login(tx, account_id)
    return reason_for(event.detector, event.version, login.language if login else "en")


async def hide_overdue(database: Database) -> None:
    """Hides what nobody has decided about at its deadline. Timed; one batch in a transaction."""
    while True:
        async with database.write() as tx:
            if not await overdue.hide_overdue(tx):
                return


async def lift_withdrawn(database: Database, event: CaseWithdrawn) -> None:
    """Lifts the interim restrictions of a withdrawn case."""
    async with database.write() as tx:
        for restriction in await queries.list_of_case(tx, event.case_id):
            if restriction.is_interim:
                await lift_restriction(tx, restriction)


async def lift_expired(database: Database) -> None:
    """Lifts restrictions whose time is over. Timed."""
    async with database.write() as tx:
        for restriction in await queries.list_expired(tx, clock.now()):
            await lift_restriction(tx, restriction)


async def repair_reach(database: Database) -> None:
    """Corrects the reach of posts and accounts whose restrictions a process of an earlier release has imposed or lifted during an upgrade:
    it does not know `is_limited`. Timed."""
    async with database.read() as conn:
        wrong = await queries.list_wrong_reach(conn)
    for subject, subject_id in wrong:
        async with database.write() as tx:
            await repair_effect(tx, subject, subject_id)
        log.warning("the reach of %s %s did not follow from its restrictions, and was corrected", subject, subject_id)
