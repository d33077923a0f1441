"""Issues statements of reasons, and notifies the author: in the network, and by mail."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from folkmoot.base import clock, ids
from folkmoot.base.db import WriteTx
from folkmoot.moderation.cases.model import Case
from folkmoot.moderation.clauses.published import policy_of
from folkmoot.moderation.journal.actions import record_step, record_steps
from folkmoot.moderation.journal.model import Step
from folkmoot.moderation.statements import queries
from folkmoot.moderation.statements.model import Quoted, Source, Statement
from folkmoot.network.notifications.actions import tell_from_network, tell_several_from_network
from folkmoot.network.notifications.model import Kind
from folkmoot.network.sessions.mails import Mail, send_mail
from folkmoot.network.sessions.queries import find_login, list_logins

MAILS_APART = timedelta(days=1)  # to one author, about posts; notifications come at once
_MAILS_AT_ONCE = 200  # so that other mails are not delayed


async def issue_statement(
    tx: WriteTx, case: Case, restriction_id: int, kind: str, clause: str, *, source: Source, notifier: str, is_interim: bool,
    quoted: Quoted, explanation: str, until: datetime | None = None, is_of_account: bool = False,
) -> Statement:
    """Writes the statement of a restriction, in the transaction that imposes it (DSA Art. 17(1)).

    Writes statement.issued to the journal. `tell_statement` notifies the author.
    """
    statement = Statement(
        id=ids.make_id(ids.shard_of(case.account_id)), account_id=case.account_id, restriction_id=restriction_id, case_id=case.id,
        kind=kind, clause=clause, policy=policy_of(clause).version, quote=quoted.text, explanation=explanation, source=source,
        is_interim=is_interim, posted_at=quoted.posted_at, until=until, issued_at=clock.now(), told_at=None,
        notifier=notifier, content_types=quoted.content_types, content_language=quoted.language, is_of_account=is_of_account,
    )
    await queries.insert_statement(tx, statement)
    await record_step(tx, Step.STATEMENT_ISSUED, case_id=case.id, statement=statement.id, restriction=restriction_id, interim=is_interim)
    return statement


async def issue_interim_statements(tx: WriteTx, statements: Sequence[Statement]) -> None:
    """Writes statements of interim restrictions and notifies the authors at once: one notification for each statement, one mail for
    each author.

    Writes statement.issued to the journal.
    """
    await queries.insert_statements(tx, statements)
    await record_steps(tx, Step.STATEMENT_ISSUED, [
        (one.case_id, {"statement": one.id, "restriction": one.restriction_id, "interim": True}) for one in statements
    ])
    await tell_several_from_network(tx, Kind.STATEMENT, [(one.account_id, one.id) for one in statements])
    newest = {one.account_id: one for one in statements}
    counts = Counter(one.account_id for one in statements)
    at_once = await queries.upsert_mails(tx, counts, clock.now(), MAILS_APART)
    for login in await list_logins(tx, at_once):
        if login.confirmed_at:
            path = f"/statements/{newest[login.account_id].id}" if counts[login.account_id] == 1 else "/statements"
            send_mail(tx, Mail("statement", login.email, login.language, path))


async def tell_statement(tx: WriteTx, statement: Statement) -> None:
    """Notifies the restricted author once: a notification, and a mail in their language. About a post, only the first mail of a day comes
    at once; one about the account always does."""
    if not await queries.update_told(tx, statement.id):
        return
    await tell_from_network(tx, statement.account_id, Kind.STATEMENT, statement.id)
    await _mail(tx, statement, "statement")


async def tell_lifted(tx: WriteTx, statement: Statement) -> None:
    """Notifies the author that the restriction of a statement was lifted."""
    await tell_from_network(tx, statement.account_id, Kind.LIFTED, statement.id)
    await _mail(tx, statement, "lifted")


async def mail_authors(tx: WriteTx, most: int = _MAILS_AT_ONCE) -> int:
    """Sends the mails that sum up the decisions since an author's last mail; returns how many were due."""
    due = await queries.take_due_mails(tx, clock.now(), most)
    for login in await list_logins(tx, list(due)):
        if login.confirmed_at:
            send_mail(tx, Mail("statements", login.email, login.language, "/statements", count=due[login.account_id]))
    return len(due)


async def _mail(tx: WriteTx, statement: Statement, text: str) -> None:
    if not statement.is_of_account and not await queries.upsert_mails(tx, {statement.account_id: 1}, clock.now(), MAILS_APART):
        return
    login = await find_login(tx, statement.account_id)
    if login and login.confirmed_at:
        send_mail(tx, Mail(text, login.email, login.language, f"/statements/{statement.id}"))
