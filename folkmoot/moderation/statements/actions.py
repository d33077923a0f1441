"""Issues statements of reasons, and notifies the author: in the network, and by mail."""

from datetime import datetime

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.clauses.published import current
from folkmoot.moderation.journal.actions import record_step
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.statements import queries
from folkmoot.moderation.statements.model import Quoted, Source, Statement
from folkmoot.network.notifications.actions import tell_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.queries import find_login


async def issue_statement(
    tx: WriteTx, case: Case, restriction_id: int, kind: str, clause: str, *, source: Source, is_interim: bool, quoted: Quoted,
    explanation: str, until: datetime | None = None,
) -> Statement:
    """Writes the statement of a restriction, in the transaction that imposes it (DSA Art. 17(1)).

    Writes statement.issued to the journal. `tell_statement` notifies the author.
    """
    statement = Statement(
        id=ids.make_id(ids.shard_of(case.account_id)), account_id=case.account_id, restriction_id=restriction_id, case_id=case.id,
        kind=kind, clause=clause, policy=current().version, quote=quoted.text, explanation=explanation, source=source,
        is_interim=is_interim, posted_at=quoted.posted_at, until=until, issued_at=clock.now(), told_at=None,
    )
    await queries.insert_statement(tx, statement)
    await record_step(tx, Step.STATEMENT_ISSUED, case_id=case.id, statement=statement.id, restriction=restriction_id, interim=is_interim)
    return statement


async def tell_statement(tx: WriteTx, statement: Statement) -> None:
    """Notifies the restricted author once: a notification, and a mail in their language."""
    if not await queries.update_told(tx, statement.id):
        return
    await tell_from_network(tx, statement.account_id, Kind.STATEMENT, statement.id)
    await _mail(tx, statement, "statement")


async def tell_lifted(tx: WriteTx, statement: Statement) -> None:
    """Notifies the author that the restriction of a statement was lifted."""
    await tell_from_network(tx, statement.account_id, Kind.LIFTED, statement.id)
    await _mail(tx, statement, "lifted")


async def _mail(tx: WriteTx, statement: Statement, text: str) -> None:
    login = await find_login(tx, statement.account_id)
    if login and login.confirmed_at:
        send_mail(tx, Mail(text, login.email, login.language, f"/statements/{statement.id}"))
