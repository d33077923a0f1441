"""Moderation warnings: what apps are told of statements of reasons, and of deleted posts that are kept for an open case.

They are notifications of the type `moderation_warning`. Apps open the page `/disputes/strikes/ID` for more, which leads to
the statement (`folkmoot/web/statements.py`).
"""

from collections.abc import Iterable, Mapping

from msgspec import UNSET, UnsetType

from folkmoot.api.activity_shapes import AccountWarning, Action, Appeal, AppealState
from folkmoot.api.entities import Entities
from folkmoot.api.words import moment
from folkmoot.base.db import ReadConn
from folkmoot.base.i18n import Translator
from folkmoot.moderation.appeals import model as appeals
from folkmoot.moderation.appeals.queries import list_own_appeals
from folkmoot.moderation.cases.model import Subject
from folkmoot.moderation.cases.queries import list_subject_ids
from folkmoot.moderation.clauses.published import find_clause
from folkmoot.moderation.restrictions.model import Kind as Measure
from folkmoot.moderation.statements.model import Statement
from folkmoot.moderation.statements.queries import list_statements
from folkmoot.network.accounts.model import Account
from folkmoot.network.notifications.model import Kind, Line, Notification, NotificationGroup
from folkmoot.network.sessions.queries import find_login

Told = Notification | Line | NotificationGroup
Warnings = Mapping[tuple[Kind, int | None], AccountWarning]
_ACTION: dict[Measure, Action] = {
    Measure.WARN: "none", Measure.LIMIT_POST: "none", Measure.LIMIT: "silence",
    Measure.LABEL: "mark_statuses_as_sensitive", Measure.HIDE: "delete_statuses", Measure.REMOVE: "delete_statuses",
    Measure.FREEZE: "disable", Measure.SUSPEND: "suspend", Measure.DELETE: "suspend",
}
_INTERIM = {
    Measure.HIDE: "Your post is hidden until people have looked at it",
    Measure.LABEL: "We covered and labelled your post until people have looked at it",
    Measure.LIMIT_POST: "Your post reaches fewer people until people have looked at it",
}
_STATE: dict[appeals.State, AppealState] = {
    appeals.State.LODGED: "pending", appeals.State.UPHELD: "rejected", appeals.State.OVERTURNED: "approved",
    appeals.State.CHANGED: "approved",
}


def warning_of(told: Told, warnings: Warnings) -> AccountWarning | UnsetType:
    """The warning of a notification or a group; unset for other types."""
    return warnings.get((told.kind, told.reference_id), UNSET)


async def list_warnings(conn: ReadConn, entities: Entities, account: Account, told: Iterable[Told]) -> Warnings:
    """The warnings among notifications of a member: four statements if there are any, otherwise none."""
    own = {(one.kind, one.reference_id): one for one in told if one.kind in (Kind.STATEMENT, Kind.KEPT) and one.reference_id}
    if not own:
        return {}
    login = await find_login(conn, account.id)
    translator = entities.translator(login.language if login else None)
    statements = await list_statements(conn, [id_ for kind, id_ in own if kind is Kind.STATEMENT and id_])
    lodged = await list_own_appeals(conn, account.id, [one.verdict_id for one in statements.values() if one.verdict_id])
    kept = await list_subject_ids(conn, [id_ for kind, id_ in own if kind is Kind.KEPT and id_])
    found: dict[tuple[Kind, int | None], AccountWarning] = {}
    for (kind, id_), one in own.items():
        if kind is Kind.STATEMENT and id_ in statements:
            statement = statements[id_]
            appeal = lodged.get(statement.verdict_id) if statement.verdict_id else None
            found[kind, id_] = _of_statement(statement, appeal, entities, account, translator)
        elif kind is Kind.KEPT and id_ in kept:
            found[kind, id_] = _of_kept(one, kept[id_], entities, account, translator)
    return found


def _of_statement(
    statement: Statement, appeal: appeals.Appeal | None, entities: Entities, account: Account, translator: Translator
) -> AccountWarning:
    measure = Measure(statement.kind)
    clause = find_clause(statement.clause, statement.policy)
    sentences = [
        translator.sentence(_INTERIM[measure]) + "." if statement.is_interim else "",
        translator.sentence("Rule %(number)s: %(title)s", {"number": clause.number, "title": clause.title[translator.language]}) + ".",
        statement.explanation,
    ]
    is_about_post = measure.subject is Subject.POST
    return AccountWarning(
        id=str(statement.id), action=_ACTION[measure], text=" ".join(filter(None, sentences)),
        status_ids=[str(statement.subject_id)] if is_about_post else None, target_account=entities.account(account),
        appeal=Appeal(text=appeal.reason, state=_STATE[appeal.state]) if appeal and appeal.state in _STATE else None,
        created_at=moment(statement.issued_at),
    )


def _of_kept(told: Told, post_id: int, entities: Entities, account: Account, translator: Translator) -> AccountWarning:
    at = told.newest_at if isinstance(told, NotificationGroup) else told.created_at
    return AccountWarning(
        id=str(told.reference_id), action="none", status_ids=[str(post_id)], target_account=entities.account(account), appeal=None,
        created_at=moment(at), text=translator.sentence(
            "You have deleted a post that is under review. Those who decide keep it until they have decided and the decision can no"
            " longer be appealed. Nobody else sees it."
        ),
    )
