"""Reads accounts with their log-ins for staff, whatever restricts them."""

from collections.abc import Sequence

import msgspec

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.base.text import prefix_pattern, prefix_query
from folkmoot.moderation.members.model import Member, MemberFilter, Standing, UsedAddress
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import account_from
from folkmoot.network.sessions.addresses import email_key
from folkmoot.network.sessions.model import Role
from folkmoot.network.sessions.queries.logins import VIEWER_COLUMNS, login_from

_STANDING = "coalesce(a.kept_effect, a.effect)"  # what restrictions do; an account that is leaving is hidden by its own wish
_MEMBER = f"""
    SELECT {VIEWER_COLUMNS}, {_STANDING} AS standing_effect, coalesce(l.reason, '') AS reason, i.account_id AS invited_by_id
    FROM accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id LEFT JOIN logins AS l ON l.account_id = a.id
    LEFT JOIN invitations AS i ON i.id = l.invitation_id
"""
# By standing; the first part of a condition is that of an index of few rows (0099).
_RESTRICTED = f"({_STANDING} > 0 OR a.is_limited)"
_HAS_STANDING = {
    Standing.ACTIVE: f"{_STANDING} < {AccountEffect.FROZEN:d} AND l.disabled_at IS NULL AND l.approved_at IS NOT NULL",
    Standing.PENDING: "l.account_id IS NOT NULL AND l.approved_at IS NULL",
    Standing.DISABLED: f"""a.id IN (
        SELECT a.id FROM accounts AS a WHERE {_RESTRICTED} AND {_STANDING} = {AccountEffect.FROZEN:d}
        UNION ALL SELECT account_id FROM logins WHERE disabled_at IS NOT NULL)""",
    Standing.SILENCED: f"{_RESTRICTED} AND (a.is_limited OR {_STANDING} = {AccountEffect.LIMITED:d})",
    Standing.SUSPENDED: f"{_RESTRICTED} AND {_STANDING} >= {AccountEffect.SUSPENDED:d}",
}
_ADDRESSES = 20  # of a member, the newest


async def list_members(conn: ReadConn, wanted: MemberFilter, page: Page) -> list[Member]:
    """Accounts, the newest first. Without a filter by accounts_pkey, else by the index of the filter: only the wanted conditions are in
    the statement, so that the planner sees which one selects few accounts."""
    conditions = ["a.id < $1 AND a.id > $2", *_conditions(wanted)]
    values = [value for _, value in _compared(wanted)]
    conditions += [pattern.format(f"${number}") for number, (pattern, _) in enumerate(_compared(wanted), 4)]
    rows = await conn.fetch(
        f"{_MEMBER} WHERE {' AND '.join(conditions)} ORDER BY a.id {page.order} LIMIT $3", page.below, page.above, page.limit, *values,
    )
    return await _with_addresses(conn, [_member_from(row) for row in page.newest_first(rows)])


def _conditions(wanted: MemberFilter) -> list[str]:
    """SQL: the conditions without a value."""
    found = [_HAS_STANDING[wanted.standing]] if wanted.standing else []
    if wanted.is_local is not None:
        found.append("a.domain = ''" if wanted.is_local else "a.domain <> ''")
    if wanted.roles and Role.MEMBER not in wanted.roles:
        found.append(f"l.role <> '{Role.MEMBER}'")
    return found


def _compared(wanted: MemberFilter) -> list[tuple[str, object]]:
    """SQL: the conditions with a place for a value, each with its value."""
    all_ = [
        ("a.domain <> '' AND a.domain = {}", wanted.domain.lower()),
        ("a.username_key LIKE {}", wanted.username and prefix_pattern(wanted.username.lower())),
        ("a.search @@ {}::tsquery", prefix_query(wanted.display_name)),  # by an index, unlike the next one
        ("starts_with(lower(a.display_name), {})", wanted.display_name.lower()),
        ("l.email_key = {}", wanted.email and email_key(wanted.email)),
        ("a.id IN (SELECT account_id FROM sessions WHERE address <> '' AND address = {})", wanted.address),
        ("l.role = ANY ({}::text[])", list(map(str, wanted.roles))), ("i.account_id = {}", wanted.invited_by_id),
    ]
    return [(pattern, value) for pattern, value in all_ if value]


async def get_member(conn: ReadConn, account_id: int) -> Member:
    """Raises NotFound."""
    found = await find_members(conn, [account_id])
    if not found:
        raise NotFound
    return found[account_id]


async def find_members(conn: ReadConn, account_ids: Sequence[int]) -> dict[int, Member]:
    """By account; deleted ones are left out."""
    rows = await conn.fetch(f"{_MEMBER} WHERE a.id = ANY ($1::bigint[])", list(account_ids))
    return {one.account.id: one for one in await _with_addresses(conn, [_member_from(row) for row in rows])}


async def _with_addresses(conn: ReadConn, members: Sequence[Member]) -> list[Member]:
    """Index: sessions_account."""
    rows = await conn.fetch(
        "SELECT account_id, address, max(seen_at) AS seen_at FROM sessions WHERE account_id = ANY ($1::bigint[]) AND address <> ''"
        " GROUP BY account_id, address ORDER BY max(seen_at) DESC",
        [one.account.id for one in members],
    )
    found: dict[int, list[UsedAddress]] = {}
    for row in rows:
        found.setdefault(row["account_id"], []).append(UsedAddress(row["address"], row["seen_at"]))
    return [msgspec.structs.replace(one, addresses=tuple(found.get(one.account.id, ())[:_ADDRESSES])) for one in members]


def _member_from(row: Row) -> Member:
    return Member(
        account=account_from(row, "a_"), login=login_from(row, "login_") if row["login_account_id"] else None,
        effect=AccountEffect(row["standing_effect"]), reason=row["reason"], invited_by_id=row["invited_by_id"], is_private_shown=True,
    )
