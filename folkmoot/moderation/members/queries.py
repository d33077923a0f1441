"""Reads accounts with their log-ins for staff, whatever restricts them."""

from collections.abc import Sequence

import msgspec

from folkmoot.base.db import ReadConn, Row
from folkmoot.base.errors import NotFound
from folkmoot.base.paging import Page
from folkmoot.moderation.members.model import Member, MemberFilter, Standing, UsedAddress
from folkmoot.network.accounts.model import AccountEffect
from folkmoot.network.accounts.queries import account_from
from folkmoot.network.sessions.addresses import email_key
from folkmoot.network.sessions.queries.logins import VIEWER_COLUMNS, login_from

_STANDING = "coalesce(a.kept_effect, a.effect)"  # what restrictions do; an account that is leaving is hidden by its own wish
_MEMBER = f"""
    SELECT {VIEWER_COLUMNS}, {_STANDING} AS standing_effect, coalesce(l.reason, '') AS reason, i.account_id AS invited_by_id
    FROM accounts AS a LEFT JOIN account_counts AS ac ON ac.account_id = a.id LEFT JOIN logins AS l ON l.account_id = a.id
    LEFT JOIN invitations AS i ON i.id = l.invitation_id
"""
_HAS_STANDING = f"""CASE $3
    WHEN '{Standing.ACTIVE}' THEN {_STANDING} < {AccountEffect.FROZEN:d} AND l.disabled_at IS NULL AND l.approved_at IS NOT NULL
    WHEN '{Standing.PENDING}' THEN l.account_id IS NOT NULL AND l.approved_at IS NULL
    WHEN '{Standing.DISABLED}' THEN {_STANDING} = {AccountEffect.FROZEN:d} OR l.disabled_at IS NOT NULL
    WHEN '{Standing.SILENCED}' THEN a.is_limited OR {_STANDING} = {AccountEffect.LIMITED:d}
    WHEN '{Standing.SUSPENDED}' THEN {_STANDING} >= {AccountEffect.SUSPENDED:d}
    ELSE true END"""
_ADDRESSES = 20  # of a member, the newest


async def list_members(conn: ReadConn, wanted: MemberFilter, page: Page) -> list[Member]:
    """Accounts, the newest first. Reads accounts_pkey in order until the page is full."""
    rows = await conn.fetch(
        f"""
        {_MEMBER} WHERE a.id < $1 AND a.id > $2 AND {_HAS_STANDING}
          AND ($4::boolean IS NULL OR (a.domain = '') = $4) AND ($5 = '' OR a.domain = $5)
          AND ($6 = '' OR starts_with(a.username_key, $6)) AND ($7 = '' OR starts_with(lower(a.display_name), $7))
          AND ($8 = '' OR l.email_key = $8)
          AND ($9 = '' OR EXISTS (SELECT FROM sessions AS s WHERE s.account_id = a.id AND s.address = $9))
          AND (cardinality($10::text[]) = 0 OR l.role = ANY ($10)) AND ($11::bigint IS NULL OR i.account_id = $11)
        ORDER BY a.id {page.order} LIMIT $12
        """,
        page.below, page.above, wanted.standing or "", wanted.is_local, wanted.domain.lower(), wanted.username.lower(),
        wanted.display_name.lower(), email_key(wanted.email) if wanted.email else "", wanted.address, list(map(str, wanted.roles)),
        wanted.invited_by_id, page.limit,
    )
    return await _with_addresses(conn, [_member_from(row) for row in page.newest_first(rows)])


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
