"""Subscribers and timed jobs of restrictions. `moderation/assembly.py` registers them."""

import logging
from contextlib import suppress
from datetime import timedelta

from folkmoot.base import clock
from folkmoot.base.db import Database, WriteTx
from folkmoot.base.errors import TooMany
from folkmoot.moderation.cases.model import Case, CaseWithdrawn, State
from folkmoot.moderation.cases.queries import lock_case
from folkmoot.moderation.clauses.published import clause_of
from folkmoot.moderation.detection.signals import SignalRaised
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.restrictions import overdue, queries
from folkmoot.moderation.restrictions.actions import impose_restriction, lift_restriction, repair_effect
from folkmoot.moderation.restrictions.model import Kind
from folkmoot.moderation.rules.actions import reason_for
from folkmoot.moderation.rules.model import rule_of_detector
from folkmoot.moderation.statements.actions import tell_statement
from folkmoot.network.sessions import limits
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.queries import find_login, list_staff

_COUNTED_FOR = timedelta(days=1)
log = logging.getLogger(__name__)


class Hiding:
    """Imposes until people decide what programs ask for. `most`: the posts of one author that they hide in a day (decision 0122)."""

    def __init__(self, most: int) -> None:
        self._most = most

    async def hide_pending_review(self, database: Database, event: SignalRaised) -> None:
        """Imposes what a signal asks for until a moderator has decided: hides a post over the hide threshold, and covers it or limits
        its reach as a rule says. Its author is notified at once, in the words of the rule. Beyond the limit of a day nothing is hidden,
        and moderators are mailed instead."""
        kinds = [Kind.HIDE] if event.is_hiding else [Kind(kind) for kind in event.measures]
        if not kinds or event.post_id is None:
            return
        withheld: Case | None = None
        async with database.write() as tx:
            case = await lock_case(tx, event.case_id)
            is_there, edited_at = await queries.lock_post_edited_at(tx, event.post_id)
            if case.state is not State.OPEN or not is_there or edited_at != event.edited_at:
                return  # an edited text is examined separately
            standing = {one.kind for one in await queries.list_in_force(tx, case.subject, case.subject_id) if one.is_interim}
            for kind in kinds:
                if standing & {kind, Kind.HIDE}:
                    continue
                if kind is Kind.HIDE and not await self._may_hide(tx, case):
                    await record_step(tx, Step.HIDING_WITHHELD, case_id=case.id, detector=event.detector, version=event.version)
                    withheld = case
                    continue
                statement = await impose_restriction(
                    tx, case, kind, clause_of(event.clause), explanation=await _reason_of_rule(tx, event, case.account_id)
                )
                await tell_statement(tx, statement)
        if withheld:
            await self._call_moderators(database, withheld)

    async def _may_hide(self, tx: WriteTx, case: Case) -> bool:
        await queries.lock_hiding(tx, case.account_id)
        return await queries.count_hidden_by_programs(tx, case.account_id, clock.now() - _COUNTED_FOR) < self._most

    async def _call_moderators(self, database: Database, case: Case) -> None:
        """Once a day for each author."""
        with suppress(TooMany):
            await limits.spend(database, "hiding_alarm", str(case.account_id), 1.0)
            async with database.write() as tx:
                for login in await list_staff(tx, [Role.MODERATOR, Role.OPERATOR]):
                    send_mail(tx, Mail("hiding_withheld", login.email, login.language, f"/moderate/cases/{case.id}", count=self._most))


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
