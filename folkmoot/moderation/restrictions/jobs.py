"""Subscribers and timed jobs of restrictions. `app.py` registers them."""

from folkmoot.base import clock
from folkmoot.base.db import Database
from folkmoot.moderation.cases.model import CaseWithdrawn, State
from folkmoot.moderation.cases.queries import lock_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection.signals import SignalRaised
from folkmoot.moderation.restrictions import overdue, queries
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.statements.actions import tell_statement


async def hide_pending_review(database: Database, event: SignalRaised) -> None:
    """Hides a post over the hide threshold until a moderator has decided; its author is notified at once."""
    if not event.is_hiding or event.post_id is None:
        return
    async with database.write() as tx:
        case = await lock_case(tx, event.case_id)
        is_there, edited_at = await queries.lock_post_edited_at(tx, event.post_id)
        if case.state is not State.OPEN or not is_there or edited_at != event.edited_at:
            return  # an edited text is examined separately
        standing = await queries.list_in_force(tx, case.subject, case.subject_id)
        if any(restriction.is_interim for restriction in standing):
            return
        statement = await impose_restriction(tx, case, Kind.HIDE, clause_of(event.clause))
        await tell_statement(tx, statement)


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
